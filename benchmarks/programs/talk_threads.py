"""Threads that talk to a server, and print whatever chance and time have told them."""

import os
import random
import socket
import socketserver
import sys
import threading
import time

ADDRESS = ("", 7000)


class Answer(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for _ in self.rfile:
            time.sleep(random.uniform(0, 0.005))  # noqa: S311 (no secret)
            self.wfile.write(f"{time.time_ns()} {random.random()}\n".encode())  # noqa: S311


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def ask(host: str, worker: int, answers: set[str]) -> None:
    with socket.create_connection((host, ADDRESS[1])) as peer, peer.makefile("rw") as lines:
        for number in range(8):
            lines.write(f"{os.urandom(8).hex()}\n")
            lines.flush()
            answers.add(f"{worker} {number} {time.monotonic_ns()} {lines.readline()}")


def main(host: str) -> None:
    answers: set[str] = set()
    workers = [threading.Thread(target=ask, args=(host, one, answers)) for one in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("".join(answers), id(answers), random.getrandbits(64))


if sys.argv[1] == "serve":
    Server(ADDRESS, Answer).serve_forever()
main(sys.argv[2])
