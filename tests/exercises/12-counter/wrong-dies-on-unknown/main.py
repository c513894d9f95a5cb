"""main NAME PORT PEER PEER: one node of a counter that three keep together.

Every node knows what each node has added, and tells its peers all of it, again and again.
What it hears it takes in by the larger number, so that news may come late, twice or never.
"""

import selectors
import socket
import sys
import time

PERIOD = 0.2


class Node:
    def __init__(self, name: str, port: int, peers: list[str]) -> None:
        self.name, self.port, self.peers = name, port, peers
        self.added = {name: 0}
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
        message = "\n".join(f"{name} {total}" for name, total in self.added.items()).encode()
        for peer in self.peers:
            self.news.sendto(message, (peer, self.port))

    def hear(self, news: socket.socket) -> None:
        try:
            message = news.recv(4096).decode()
        except OSError:
            return
        for line in message.splitlines():
            name, total = line.split()
            self.added[name] = max(self.added.get(name, 0), int(total))

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
            self.added[self.name] += int(line[4:])
            return b"ok\n"
        return b"%d\n" % sum(self.added.values())


Node(sys.argv[1], int(sys.argv[2]), sys.argv[3:]).run()
