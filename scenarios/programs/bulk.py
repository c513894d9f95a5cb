"""Move many bytes over a stream: `take PORT`, or `send HOST PORT BYTES CONTROL`.

CONTROL is the congestion control algorithm, for example `reno` or `cubic` (tcp(7),
TCP_CONGESTION). `take` prints the bytes, and the seconds from the first to the last.
"""

import json
import socket
import sys
import time

PIECE = 1 << 16


def take(port: int) -> None:
    with socket.create_server(("", port)) as my_socket:
        foreign_socket, _ = my_socket.accept()
    with foreign_socket:
        got, first, last = 0, None, 0
        while piece := foreign_socket.recv(PIECE):
            last = time.monotonic_ns()
            first = first or last
            got += len(piece)
    print(json.dumps({"bytes": got, "seconds": (last - (first or last)) / 1e9}))


def send(host: str, port: int, size: int, control: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
        my_socket.connect((host, port))
        segment = my_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        my_socket.sendall(bytes(size))
        my_socket.shutdown(socket.SHUT_WR)
        my_socket.recv(1)  # end of file: the peer has read everything
    print(json.dumps({"bytes": size, "segment": segment}))


if sys.argv[1] == "take":
    take(int(sys.argv[2]))
else:
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
