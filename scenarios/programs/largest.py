"""Which sizes of datagrams can be sent: `largest.py HOST SIZE…` prints each size's outcome."""

import errno
import json
import socket
import sys

ECHO = 7


def outcome(host: str, size: int) -> str:
    """`sent`, or the name of the error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        try:
            my_socket.sendto(bytes(size), (host, ECHO))
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, "?")
    return "sent"


print(json.dumps({size: outcome(sys.argv[1], int(size)) for size in sys.argv[2:]}))
