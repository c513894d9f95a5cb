"""main HOST PORT: judge an echo server: 0 where it is right, 1 where it is not."""

import socket
import struct
import sys

TIMEOUT = 3.0


def connect(server: tuple[str, int]) -> socket.socket:
    return socket.create_connection(server, timeout=TIMEOUT)


def echoes(client: socket.socket, message: bytes) -> bool:
    """Whether exactly the message comes back."""
    client.sendall(message)
    reply = b""
    while len(reply) < len(message):
        piece = client.recv(65536)
        if not piece:
            return False
        reply += piece
    return reply == message


def right(server: tuple[str, int]) -> bool:
    silent = connect(server)
    with connect(server) as client:
        if not echoes(client, b"in two ") or not echoes(client, b"pieces"):
            return False
        if not echoes(client, b"null\0and\0behind" + bytes(range(256)) * 20):
            return False
        client.shutdown(socket.SHUT_WR)
        if client.recv(1):
            return False
    with connect(server) as long, connect(server) as short:
        if not echoes(long, b"a long message") or not echoes(short, b"short"):
            return False
        short.shutdown(socket.SHUT_WR)
        if short.recv(64):
            return False
    rude = connect(server)
    rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    rude.sendall(b"bye")
    rude.recv(16)
    rude.close()
    with connect(server) as client:
        fine = echoes(client, b"still there?")
    silent.close()
    return fine


def main() -> int:
    try:
        return 0 if right((sys.argv[1], int(sys.argv[2]))) else 1
    except OSError:
        return 1


sys.exit(main())
