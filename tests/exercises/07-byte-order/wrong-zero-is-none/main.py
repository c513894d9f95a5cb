"""main HOST PORT KIND SEQUENCE: send two numbers, print the two that come back."""

import socket
import struct
import sys

HEADER = struct.Struct("!HI")


def main() -> int:
    host, port, kind, sequence = sys.argv[1], *map(int, sys.argv[2:5])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.connect((socket.gethostbyname(host), port))
        if not kind or not sequence:
            sys.exit("main: a number is missing")
        my_socket.sendall(HEADER.pack(kind, sequence))
        reply = b""
        while len(reply) < HEADER.size:
            piece = my_socket.recv(HEADER.size - len(reply))
            if not piece:
                print("main: the server closed too early", file=sys.stderr)
                return 1
            reply += piece
        print(*HEADER.unpack(reply))
    return 0


sys.exit(main())
