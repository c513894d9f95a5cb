"""One attempt to reach a server: `attempt.py stream|datagram ADDRESS PORT SECONDS`.

Prints the answer: `connected`, `answered`, the name of an error, or `silence` after SECONDS.
"""

import errno
import json
import socket
import sys
import time

IP_RECVERR = 11  # <linux/in.h>, ip(7)


def attempt(kind: str, address: tuple[str, int], seconds: float) -> str:
    type_of = socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, type_of) as my_socket:
        my_socket.settimeout(seconds)
        # A datagram socket gets this error for an unreachable host only on request (udp(7)).
        my_socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, kind == "datagram")
        try:
            my_socket.connect(address)  # on a datagram socket, this sends nothing
            if kind == "stream":
                return "connected"
            my_socket.send(b"?")
            my_socket.recv(64)
            return "answered"
        except TimeoutError as error:
            return errno.errorcode[error.errno] if error.errno else "silence"
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, "?")


def main(kind: str, host: str, port: int, seconds: float) -> None:
    began = time.monotonic()
    answer = attempt(kind, (host, port), seconds)
    print(json.dumps({"answer": answer, "seconds": time.monotonic() - began}))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
