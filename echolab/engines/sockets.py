"""The sockets of a host, from the kernel's tables /proc/net/tcp, tcp6, udp and udp6.

Each line below the heading is one socket: its number, its local and its remote address in
hexadecimal as ADDRESS:PORT, its state as a hexadecimal number, and more
(Documentation/networking/proc_net_tcp.rst). A socket that serves both address families is
in the table of IPv6 alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from echolab.errors import BadInput

STATES = (
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
    "BOUND_INACTIVE",
)
"""The states of a socket, numbered from 1 (include/net/tcp_states.h)."""

PROTOCOLS = ("tcp", "udp")

SERVING = {"tcp": "LISTEN", "udp": "CLOSE"}
"""The state of a socket that listens for clients; a datagram socket without a peer is CLOSE."""

LOOPBACK6 = "00000000000000000000000001000000"
"""The address ::1 as the tables write it; IPv4 addresses end with the network's first byte."""

ReadFile = Callable[[str], str]
"""Returns the text of a file of a host, and raises BadInput if the file is missing."""


@dataclasses.dataclass(frozen=True)
class Socket:
    """One socket: the port it is bound to, and its state, by its name in `STATES`.

    `loopback` says that only its own host can reach its address.
    """

    port: int
    state: str
    loopback: bool = False


def parse(table: str) -> Iterator[Socket]:
    """The sockets of one table."""
    for line in table.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, _, port = local.partition(":")
        loopback = address == LOOPBACK6 or (len(address) == 8 and address.endswith("7F"))
        yield Socket(int(port, 16), STATES[int(state, 16) - 1], loopback)


def of_host(read: ReadFile, protocol: str) -> Iterator[Socket]:
    """The sockets of a host, of both address families, for "tcp" or "udp".

    The second table is read only after the first one's sockets have been taken. A kernel without
    IPv6 has none. Raises BadInput for another protocol.
    """
    if protocol not in PROTOCOLS:
        raise BadInput(f"there are no sockets of '{protocol}'", f"choose {', '.join(PROTOCOLS)}")
    yield from parse(read(f"/proc/net/{protocol}"))
    with contextlib.suppress(BadInput):
        yield from parse(read(f"/proc/net/{protocol}6"))


def serving(read: ReadFile, protocol: str) -> Iterator[int]:
    """The ports on which a host's programs listen for clients, once for each socket."""
    for found in of_host(read, protocol):
        if found.state == SERVING[protocol]:
            yield found.port


def serves(read: ReadFile) -> bool:
    """Whether a program of a host listens for clients on other hosts."""
    return any(
        found.state == SERVING[protocol] and not found.loopback
        for protocol in PROTOCOLS
        for found in of_host(read, protocol)
    )
