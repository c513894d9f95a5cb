"""What a host of a lab of networks sees: names, who answers, and by which way.

Runs on a host: `python3 -c THIS '{"names": [...], "targets": [...]}'` prints one JSON object.
"""

import json
import os
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ECHO = 7
IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE = 11, 25, 0x2000
TIME_TO_LISTEN = 1.0
QUESTIONS = 3
"""For each hop, as in traceroute(8): on a busy machine the answer of a container may be late."""
MOST_HOPS = 8

# resolv.conf(5): Docker asks others for a name that no host has, and on some networks gets no
# answer. The usual two attempts of 5 s each are long for a question that containers answer at once.
os.environ["RES_OPTIONS"] = "timeout:1 attempts:2"


def resolved(name: str) -> list[str]:
    try:
        found = socket.getaddrinfo(name, ECHO, type=socket.SOCK_DGRAM)
    except OSError:
        return []
    return sorted({str(one[4][0]) for one in found})


def offender(asking: socket.socket) -> str:
    """The address of the router that sent the error that waits (ip(7), IP_RECVERR)."""
    _, ancillary, _, _ = asking.recvmsg(512, 512, MSG_ERRQUEUE)
    for _, _, data in ancillary:
        family = struct.unpack_from("=H", data, 16)[0]
        if family == socket.AF_INET:
            return socket.inet_ntop(family, data[20:24])
        if family == socket.AF_INET6:
            return socket.inet_ntop(family, data[24:40])
    return ""


def way(address: str) -> list[str] | None:
    """The routers on the way to a host; None if it does not answer.

    It answers by an echo, or by saying that it has no such port.
    """
    passed: list[str] = []
    for hops in range(1, MOST_HOPS + 1):
        asked = (answering(address, hops) for _ in range(QUESTIONS))
        by = next((one for one in asked if one), None)
        if by is None:
            return None
        if by == address:
            return passed
        passed.append(by)
    return None


def answering(address: str, hops: int) -> str | None:
    """Who answers a datagram that may pass so many hops; None if nobody does, or in time.

    Each question has a socket of its own, so that no answer to an earlier one is taken for its.
    """
    six = ":" in address
    level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(TIME_TO_LISTEN)
        asking.setsockopt(level, IPV6_RECVERR if six else IP_RECVERR, 1)
        asking.setsockopt(level, socket.IPV6_UNICAST_HOPS if six else socket.IP_TTL, hops)
        try:
            asking.connect((address, ECHO))
        except OSError:
            return None
        try:
            asking.send(b"who is there")
            asking.recv(64)
        except TimeoutError:
            return None
        except OSError:
            return offender(asking)
        return address


def main(asked: dict[str, Any]) -> None:
    # Side by side: where nobody knows a name, it may take seconds until that is said.
    with ThreadPoolExecutor(len(asked["names"]) or 1) as pool:
        names = dict(zip(asked["names"], pool.map(resolved, asked["names"]), strict=True))
    ways = {address: way(address) for address in asked["targets"]}
    print(json.dumps({"names": names, "ways": ways}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
