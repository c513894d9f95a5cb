"""main PORT LIMIT: answer each datagram with itself, or with "too long"."""

import socket
import sys


def main() -> int:
    port, limit = int(sys.argv[1]), int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        my_socket.bind(("", port))
        while True:
            # notice whether the datagram was longer than limit
            message, sender = my_socket.recvfrom(limit)
            my_socket.sendto(message, sender)


sys.exit(main())
