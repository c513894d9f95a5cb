"""main PORT: send everything back to one client after the other."""

import socket
import sys


def serve(foreign_socket: socket.socket) -> None:
    first = foreign_socket.recv(1023)
    if not first:
        sys.exit("main: the client said nothing")
    foreign_socket.sendall(first)
    while piece := foreign_socket.recv(1023):
        foreign_socket.sendall(piece)


def main() -> int:
    port = int(sys.argv[1])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        my_socket.bind(("", port))
        my_socket.listen(5)
        while True:
            foreign_socket, _ = my_socket.accept()
            try:
                serve(foreign_socket)
            except OSError as error:
                print(f"main: {error}", file=sys.stderr)
            foreign_socket.close()


sys.exit(main())
