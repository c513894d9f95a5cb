"""A host's datagrams as its device sees them: for tasks that limit their size or pace."""

from __future__ import annotations

import dataclasses
import socket
import struct

ETH_P_ALL = 0x0003
"""All protocols (linux/if_ether.h): a socket for one of them alone does not see what is sent."""

SO_TIMESTAMPNS = 35
"""Each packet comes with its own time (socket(7); asm-generic/socket.h)."""

TIME = struct.Struct("qq")

IP_HEADER, UDP_HEADER, UDP, FRAGMENT = 20, 8, 17, 0x1FFF

SO_RCVBUFFORCE = 33
"""Like SO_RCVBUF, without the system's limit (socket(7); asm-generic/socket.h)."""

ROOM = 1 << 22
"""Bytes of packets that may wait to be read."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """One datagram: when it was seen, in lab seconds; from and to which port; its bytes.

    `sent` is whether the watched host sent it. Of a fragmented one only the first part is seen.
    """

    at: float
    sent: bool
    source: int
    target: int
    data: bytes
    length: int


class Sniffer:
    """Sees each IPv4 datagram that passes a host's device."""

    def __init__(self, made: socket.socket, device: str, own: str) -> None:
        self._socket = made
        self._own = socket.inet_aton(own)
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        made.setblocking(False)
        made.bind((device, ETH_P_ALL))

    def seen(self) -> list[Seen]:
        """The datagrams since the last call, in order."""
        found: list[Seen] = []
        while True:
            try:
                packet, extra, _, _ = self._socket.recvmsg(1 << 16, 1 << 10)
            except BlockingIOError:
                return found
            seconds, nanoseconds = TIME.unpack(extra[0][2][: TIME.size]) if extra else (0, 0)
            if one := self._read(packet, seconds + nanoseconds / 1e9):
                found.append(one)

    def _read(self, packet: bytes, at: float) -> Seen | None:
        if len(packet) < IP_HEADER + UDP_HEADER or packet[0] >> 4 != 4 or packet[9] != UDP:
            return None
        if int.from_bytes(packet[6:8], "big") & FRAGMENT:
            return None
        start = (packet[0] & 15) * 4
        source, target, length = struct.unpack_from("!HHH", packet, start)
        data = packet[start + UDP_HEADER : start + length]
        sent = packet[12:16] == self._own
        return Seen(at, sent, source, target, data, length - UDP_HEADER)
