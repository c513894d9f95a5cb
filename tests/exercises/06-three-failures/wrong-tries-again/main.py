"""main HOST PORT: say how PORT of HOST can be reached, in one word."""

import errno
import socket
import sys

TIMEOUT = 5.0


def attempt(host: str, port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.settimeout(TIMEOUT)
        try:
            my_socket.connect((socket.gethostbyname(host), port))
        except socket.gaierror:
            return "unknown"
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"
        except OSError as error:
            if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
                return "unreachable"
            raise
        return "open"


word = attempt(sys.argv[1], int(sys.argv[2]))
if word == "refused":
    word = attempt(sys.argv[1], int(sys.argv[2]))
print(word)
