"""main PORT: answer each message with its bytes in reverse order."""

import socket
import sys

LARGEST = 1_000_000


def serve(foreign_socket: socket.socket) -> None:
    """Answer the messages of one client until it has finished."""
    # receive a length and so many bytes, send them back in reverse order


def main() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        my_socket.bind(("", int(sys.argv[1])))
        my_socket.listen(5)
        while True:
            foreign_socket, _ = my_socket.accept()
            serve(foreign_socket)
            foreign_socket.close()


sys.exit(main())
