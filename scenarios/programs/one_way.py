"""The delay of each direction by itself: `serve PORT`, or `ask HOST PORT COUNT`.

All hosts of a lab share one clock, so times on two of them can be compared. `ask` prints
two lists of seconds, `there` and `back`.
"""

import json
import socket
import struct
import sys
import time

TIME = struct.Struct("!q")


def serve(port: int) -> None:
    """Answer each datagram with the time at which it arrived."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        my_socket.bind(("", port))
        while True:
            _, sender = my_socket.recvfrom(64)
            my_socket.sendto(TIME.pack(time.monotonic_ns()), sender)


def ask(host: str, port: int, count: int) -> None:
    """Ask for the time COUNT times, and measure each direction by itself."""
    there, back = [], []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        my_socket.connect((host, port))
        my_socket.settimeout(5.0)
        for _ in range(count):
            sent = time.monotonic_ns()
            my_socket.send(b"?")
            (came,) = TIME.unpack(my_socket.recv(64))
            received = time.monotonic_ns()
            there.append((came - sent) / 1e9)
            back.append((received - came) / 1e9)
    print(json.dumps({"there": sorted(there), "back": sorted(back)}))


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
