"""main receive PORT | main send HOST PORT: a transfer over datagrams, stop and wait."""

import socket
import sys

BLOCK = 1000
TIMEOUT = 0.2
TRIES = 50


def send(server: tuple[str, int], data: bytes) -> int:
    """Send the data, block by block; 0 when all of it was acknowledged."""
    # send a block, wait TIMEOUT for its acknowledgement, up to TRIES times
    return 1


def receive(port: int) -> int:
    """Print what comes, in order and once, until the end."""
    return 1


if sys.argv[1] == "send":
    sys.exit(send((socket.gethostbyname(sys.argv[2]), int(sys.argv[3])), sys.stdin.buffer.read()))
sys.exit(receive(int(sys.argv[2])))
