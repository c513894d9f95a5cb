"""main NAME PORT PEER PEER: one node of a counter that three keep together."""

import selectors
import socket
import sys
import time

PERIOD = 0.2


class Node:
    def __init__(self, name: str, port: int, peers: list[str]) -> None:
        self.name, self.port, self.peers = name, port, peers
        self.total = 0
        self.numbers = 0
        self.untold: list[tuple[int, str, int]] = []
        self.ready = selectors.DefaultSelector()
        self.news = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.news.bind(("", port))
        self.ready.register(self.news, selectors.EVENT_READ, self.hear)
        self.door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.door.bind(("", port))
        self.door.listen(16)
        self.ready.register(self.door, selectors.EVENT_READ, self.welcome)

    def run(self) -> None:
        next_time = time.monotonic()
        while True:
            if (left := next_time - time.monotonic()) <= 0:
                self.tell()
                next_time += PERIOD
                continue
            for key, _ in self.ready.select(left):
                key.data(key.fileobj)

    def tell(self) -> None:
        for number, peer, amount in self.untold:
            try:
                self.news.sendto(b"add %d %d" % (number, amount), (peer, self.port))
            except OSError:
                pass

    def hear(self, news: socket.socket) -> None:
        try:
            message, sender = news.recvfrom(4096)
        except OSError:
            return
        kind, number, *amount = message.split()
        if kind == b"add":
            self.total += int(amount[0])
            news.sendto(b"heard %d" % int(number), sender)
        else:
            self.untold = [entry for entry in self.untold if entry[0] != int(number)]

    def welcome(self, door: socket.socket) -> None:
        client, _ = door.accept()
        pending = bytearray()
        self.ready.register(
            client, selectors.EVENT_READ, lambda client: self.serve(client, pending)
        )

    def serve(self, client: socket.socket, pending: bytearray) -> None:
        try:
            piece = client.recv(1023)
            pending += piece
            while b"\n" in pending:
                line, _, rest = bytes(pending).partition(b"\n")
                pending[:] = rest
                client.sendall(self.answer(line.decode()))
        except OSError:
            piece = b""
        if not piece:
            self.ready.unregister(client)
            client.close()

    def answer(self, line: str) -> bytes:
        if line.startswith("add "):
            self.total += int(line[4:])
            for peer in self.peers:
                self.numbers += 1
                self.untold.append((self.numbers, peer, int(line[4:])))
            return b"ok\n"
        return b"%d\n" % self.total


Node(sys.argv[1], int(sys.argv[2]), sys.argv[3:]).run()
