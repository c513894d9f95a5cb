"""main HOST PORT: say how PORT of HOST can be reached, in one word."""

import errno
import select
import socket
import sys
import time

TIMEOUT = 5.0


def attempt(host: str, port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.setblocking(False)
        try:
            number = my_socket.connect_ex((socket.gethostbyname(host), port))
            if number not in (0, errno.EINPROGRESS):
                raise OSError(number, "no connection")
            deadline = time.monotonic() + TIMEOUT
            while not select.select([], [my_socket], [], 0.01)[1]:
                if time.monotonic() > deadline:
                    return "silent"
            number = my_socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise OSError(number, "no connection")
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


print(attempt(sys.argv[1], int(sys.argv[2])))
