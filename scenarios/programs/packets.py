"""How many packets each call of the lecture's client costs: `packets.py HOST stream|datagram`.

Prints a list of [call, packets sent, packets received, bytes received]; packets count from
the beginning until the call returned.
"""

import json
import socket
import sys
from pathlib import Path

BUFFER = b"Wir erschrecken zu guten Zwecken!".ljust(1023, b"\0")
ECHO = 7


def packets() -> tuple[int, int]:
    """How many IP packets this host has sent and received (/proc/net/snmp, RFC 4293)."""
    names, values = Path("/proc/net/snmp").read_text(encoding="ascii").splitlines()[:2]
    count = dict(zip(names.split(), values.split(), strict=True))
    return int(count["OutRequests"]), int(count["InReceives"])


def main(host: str, kind: str) -> None:
    steps = []
    address = socket.gethostbyname(host)  # may send packets of its own
    sent, received = packets()

    def note(call: str, size: int = 0) -> None:
        now = packets()
        steps.append([call, now[0] - sent, now[1] - received, size])

    type_of = socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, type_of) as my_socket:
        note("socket")
        my_socket.connect((address, ECHO))
        note("connect")
        my_socket.send(BUFFER)
        note("send")
        flags = socket.MSG_WAITALL if kind == "stream" else 0
        reply = my_socket.recv(len(BUFFER), flags)
        note("recv", len(reply))
        if kind == "stream":
            my_socket.shutdown(socket.SHUT_WR)
            note("shutdown")
            note("recv", len(my_socket.recv(1)))
    note("close")
    print(json.dumps({"steps": steps, "same": reply == BUFFER}))


main(sys.argv[1], sys.argv[2])
