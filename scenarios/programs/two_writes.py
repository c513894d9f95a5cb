"""Requests in two pieces: `serve PORT`, or `ask HOST PORT COUNT nagle|nodelay|one`.

The server answers when it has both pieces. `ask` prints the seconds that each request took;
with `one` both pieces go in one call.
"""

import json
import socket
import sys
import time

HEAD, BODY = b"head" * 5, b"body" * 5


def serve(port: int) -> None:
    with socket.create_server(("", port)) as my_socket:
        while True:
            foreign_socket, _ = my_socket.accept()
            with foreign_socket:
                while foreign_socket.recv(len(HEAD + BODY), socket.MSG_WAITALL):
                    foreign_socket.send(b"done")


def ask(host: str, port: int, count: int, manner: str) -> None:
    took = []
    with socket.create_connection((host, port)) as my_socket:
        my_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, manner == "nodelay")
        for _ in range(count):
            began = time.monotonic_ns()
            for piece in [HEAD + BODY] if manner == "one" else [HEAD, BODY]:
                my_socket.send(piece)
            my_socket.recv(64)
            took.append((time.monotonic_ns() - began) / 1e9)
    print(json.dumps(took))


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
