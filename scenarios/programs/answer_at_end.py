"""Ending one direction of a stream: `serve PORT COUNT`, or `ask HOST PORT shutdown|close`.

The server can answer only when it knows that everything has arrived: it reads to the end,
then sends back how many bytes there were. `serve` prints what became of each answer, `ask`
what answer it got.
"""

import contextlib
import errno
import json
import select
import socket
import sys

LONGEST_WAIT = 1  # seconds; a reset would have come by then


def serve(port: int, count: int) -> None:
    met = []
    with socket.create_server(("", port)) as my_socket:
        for _ in range(count):
            foreign_socket, _ = my_socket.accept()
            with foreign_socket:
                size = 0
                while piece := foreign_socket.recv(4096):
                    size += len(piece)
                foreign_socket.send(str(size).encode())
                failure = select.poll()
                failure.register(foreign_socket, 0)
                failure.poll(1000 * LONGEST_WAIT)
                number = foreign_socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            met.append({"bytes": size, "answer": errno.errorcode.get(number, "taken")})
    print(json.dumps(met))


def ask(host: str, port: int, manner: str) -> None:
    told, writing = None, "EBADF"
    my_socket = socket.create_connection((host, port))
    for line in (b"Wir erschrecken ", b"zu guten ", b"Zwecken!"):
        my_socket.send(line)
    if manner == "shutdown":
        my_socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            told = int(my_socket.recv(64))
        try:
            my_socket.send(b"more")
        except OSError as error:
            writing = errno.errorcode.get(error.errno or 0, "?")
    my_socket.close()
    print(json.dumps({"told": told, "writing": writing}))


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]), int(sys.argv[3]))
else:
    ask(sys.argv[2], int(sys.argv[3]), sys.argv[4])
