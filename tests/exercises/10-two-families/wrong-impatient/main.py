"""main PORT: greet and echo clients of both address families."""

import socket
import sys

MAPPED = "::ffff:"


def serve(foreign_socket: socket.socket) -> None:
    """Tell the client its address, then send back what it sends."""
    address = foreign_socket.getpeername()[0]
    foreign_socket.sendall(f"you are {address.removeprefix(MAPPED)}\n".encode())
    while piece := foreign_socket.recv(1023):
        foreign_socket.sendall(piece)


def main() -> int:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as my_socket:
        my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        my_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        my_socket.bind(("::", int(sys.argv[1])))
        my_socket.listen(5)
        while True:
            foreign_socket, _ = my_socket.accept()
            foreign_socket.settimeout(5.0)
            try:
                serve(foreign_socket)
            except OSError as error:
                print(f"main: {error}", file=sys.stderr)
            foreign_socket.close()


sys.exit(main())
