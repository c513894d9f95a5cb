"""main PORT: answer each message with its bytes in reverse order."""

import socket
import sys

LARGEST = 1_000_000


def receive(foreign_socket: socket.socket, count: int) -> bytes | None:
    """Exactly `count` bytes, or None where the stream ends before."""
    message = bytearray()
    while len(message) < count:
        piece = foreign_socket.recv(count - len(message))
        if not piece:
            return None
        message += piece
    return bytes(message)


def serve(foreign_socket: socket.socket) -> None:
    """Answer the messages of one client until it has finished."""
    while header := receive(foreign_socket, 4):
        length = int.from_bytes(header, "big")
        if length > LARGEST:
            return
        message = receive(foreign_socket, length)
        if message is None:
            return
        foreign_socket.sendall(header + message[::-1])


def main() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        my_socket.bind(("", int(sys.argv[1])))
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
