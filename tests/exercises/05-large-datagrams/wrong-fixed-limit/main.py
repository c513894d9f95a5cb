"""main PORT LIMIT: answer each datagram with itself, or with "too long"."""

import socket
import sys


def main() -> int:
    port, limit = int(sys.argv[1]), 2000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        my_socket.bind(("", port))
        while True:
            message, sender = my_socket.recvfrom(limit + 1)
            my_socket.sendto(message if len(message) <= limit else b"too long", sender)


sys.exit(main())
