"""main PORT: greet and echo clients of both address families."""

import socket
import sys


def serve(foreign_socket: socket.socket) -> None:
    """Tell the client its address, then send back what it sends."""
    # send the line with the address first


def main() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:  # one family only
        my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        my_socket.bind(("", int(sys.argv[1])))
        my_socket.listen(5)
        while True:
            foreign_socket, _ = my_socket.accept()
            serve(foreign_socket)
            foreign_socket.close()


sys.exit(main())
