"""What the kernel reports about a TCP connection: `TCP_INFO`, see tcp(7)."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

_LAYOUT = struct.Struct("=8B24I")
"""The first 104 bytes of struct tcp_info, <linux/tcp.h>; later kernels only append."""

_STATES = (
    "",
    "ESTABLISHED",
    "SYN-SENT",
    "SYN-RECV",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "TIME-WAIT",
    "CLOSED",
    "CLOSE-WAIT",
    "LAST-ACK",
    "LISTEN",
    "CLOSING",
)
"""States by number, as in <net/tcp_states.h>, with the names of ss(8) and RFC 9293."""


class TcpInfo(NamedTuple):
    """Part of TCP_INFO: `retransmits` over the connection's life (SYN segments counted),
    round trip times in seconds, the congestion window in segments."""

    retransmits: int
    smoothed_rtt: float
    rtt_variance: float
    congestion_window: int
    state: str


def read(connection: socket.socket) -> TcpInfo:
    """Ask the kernel about a connection. Raises OSError."""
    return parse(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512))


def parse(data: bytes) -> TcpInfo:
    """Read a struct tcp_info. Raises struct.error if it is too short."""
    fields = _LAYOUT.unpack_from(data)
    state = fields[0]
    words = fields[8:]
    return TcpInfo(
        retransmits=words[23],
        smoothed_rtt=words[15] / 1e6,
        rtt_variance=words[16] / 1e6,
        congestion_window=words[18],
        state=_STATES[state] if state < len(_STATES) else f"state {state}",
    )
