"""main receive PORT | main send HOST PORT: a transfer over datagrams, stop and wait.

A block is its number (4 bytes), 1 for the end or 0 (1 byte), and its data; an
acknowledgement is the number.
"""

import socket
import struct
import sys
import time

BLOCK = 1000
TIMEOUT = 0.2
TRIES = 50
LINGER = 2.0
HEADER = struct.Struct("!IB")
NUMBER = struct.Struct("!I")


def acknowledged(my_socket: socket.socket, server: tuple[str, int], number: int) -> bool:
    deadline = time.monotonic() + TIMEOUT
    while (left := deadline - time.monotonic()) > 0:
        my_socket.settimeout(left)
        try:
            reply, sender = my_socket.recvfrom(64)
        except TimeoutError:
            return False
        if sender == server and reply == NUMBER.pack(number):
            return True
    return False


def send(server: tuple[str, int], data: bytes) -> int:
    """Send the data, block by block; 0 when all of it was acknowledged."""
    blocks = [(0, data[at : at + BLOCK]) for at in range(0, len(data), BLOCK)] + [(1, b"")]
    try:
        socket.create_connection(server, 1.0).close()  # is anybody there?
    except OSError:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        for number, (end, block) in enumerate(blocks):
            for _ in range(TRIES):
                my_socket.sendto(HEADER.pack(number, end) + block, server)
                if acknowledged(my_socket, server, number):
                    break
            else:
                print(f"main: no acknowledgement of block {number}", file=sys.stderr)
                return 1
    return 0


def receive(port: int) -> int:
    """Print what comes, in order and once, until the end."""
    expected = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        my_socket.bind(("", port))
        while True:
            try:
                message, sender = my_socket.recvfrom(HEADER.size + BLOCK)
            except TimeoutError:
                return 0
            number, end = HEADER.unpack_from(message)
            if number == expected:
                sys.stdout.buffer.write(message[HEADER.size :])
                expected += 1
                if end:
                    my_socket.settimeout(LINGER)
            if number < expected:
                my_socket.sendto(NUMBER.pack(number), sender)


if sys.argv[1] == "send":
    sys.exit(send((socket.gethostbyname(sys.argv[2]), int(sys.argv[3])), sys.stdin.buffer.read()))
sys.exit(receive(int(sys.argv[2])))
