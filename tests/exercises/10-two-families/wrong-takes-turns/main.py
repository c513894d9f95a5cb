"""main PORT: greet and echo clients of both address families."""

import socket
import sys


def serve(foreign_socket: socket.socket) -> None:
    """Tell the client its address, then send back what it sends."""
    foreign_socket.sendall(f"you are {foreign_socket.getpeername()[0]}\n".encode())
    while piece := foreign_socket.recv(1023):
        foreign_socket.sendall(piece)


def listen(family: socket.AddressFamily, address: str) -> socket.socket:
    my_socket = socket.socket(family, socket.SOCK_STREAM)
    my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        my_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    my_socket.bind((address, int(sys.argv[1])))
    my_socket.listen(5)
    return my_socket


def main() -> int:
    four, six = listen(socket.AF_INET, ""), listen(socket.AF_INET6, "::")
    while True:
        for my_socket in (four, six):
            foreign_socket, _ = my_socket.accept()
            serve(foreign_socket)
            foreign_socket.close()


sys.exit(main())
