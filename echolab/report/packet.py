"""What the headers of one frame say: Ethernet, ARP, IPv4, IPv6, UDP, TCP, ICMP."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any

import dpkt  # type: ignore[import-untyped, unused-ignore]

FLAGS = (
    (dpkt.tcp.TH_SYN, "S"),
    (dpkt.tcp.TH_FIN, "F"),
    (dpkt.tcp.TH_RST, "R"),
    (dpkt.tcp.TH_PUSH, "P"),
    (dpkt.tcp.TH_ACK, "A"),
)

UNREACHABLE = {0: "network", 1: "host", 2: "protocol", 3: "port", 4: "without fragments"}
"""Codes of ICMP type 3 (RFC 792)."""

Conversation = tuple[str, tuple[str, int], tuple[str, int]]
"""A protocol and its two ends, each an address and a port."""


@dataclasses.dataclass(frozen=True)
class Packet:
    """The fields of one frame that matter to a reader of the report.

    `protocol` is tcp, udp, icmp, arp, ip (another protocol, or a later fragment) or other.
    `flags` are the letters S, F, R, P, A in that order. `sequence`, `acknowledgement` and
    `window` are as on the wire. `length` counts the bytes of payload. `fragment` is None,
    or the offset in bytes and whether more follow. `text` is what ARP and ICMP say, and
    `about` the packet that an ICMP error quotes.
    """

    protocol: str
    source: str = ""
    destination: str = ""
    source_port: int = 0
    destination_port: int = 0
    flags: str = ""
    sequence: int = 0
    acknowledgement: int = 0
    window: int = 0
    length: int = 0
    identification: int = 0
    hops: int = 0
    fragment: tuple[int, bool] | None = None
    options: tuple[str, ...] = ()
    text: str = ""
    payload: bytes = b""
    about: Packet | None = None

    @property
    def conversation(self) -> Conversation:
        """The same value for both directions between two ports of two addresses.

        An ICMP error belongs to the conversation of the packet that it is about.
        """
        if self.about is not None:
            return self.about.conversation
        ends = sorted(((self.source, self.source_port), (self.destination, self.destination_port)))
        return self.protocol, ends[0], ends[1]

    def occupies(self) -> int:
        """Sequence numbers that a segment uses: its bytes, and one each for S and F."""
        return self.length + ("S" in self.flags) + ("F" in self.flags)


def parse(frame: bytes) -> Packet:
    """The packet in an Ethernet frame; `other` if it cannot be read (it may be damaged)."""
    reader = READERS.get(frame[12:14])
    if reader is not None:
        # dpkt does not catch the errors that a damaged length field causes.
        with contextlib.suppress(*UNREADABLE):
            return reader(frame[14:])
    return Packet("other", text=f"{len(frame)} bytes", length=len(frame))


def _arp(data: bytes) -> Packet:
    arp = dpkt.arp.ARP(data)
    sender = socket.inet_ntop(socket.AF_INET, arp.spa)
    target = socket.inet_ntop(socket.AF_INET, arp.tpa)
    if arp.op == dpkt.arp.ARP_OP_REQUEST:
        text = f"who has {target}?"
    else:
        text = f"{sender} is at {arp.sha.hex(':')}"
    return Packet("arp", sender, target, text=text)


def _ip4(data: bytes) -> Packet:
    return _of_ip4(dpkt.ip.IP(data))


def _of_ip4(ip: dpkt.ip.IP) -> Packet:
    return _transport(
        ip.p,
        ip.data,
        source=socket.inet_ntop(socket.AF_INET, ip.src),
        destination=socket.inet_ntop(socket.AF_INET, ip.dst),
        identification=ip.id,
        hops=ip.ttl,
        fragment=(ip.offset, bool(ip.mf)) if ip.mf or ip.offset else None,
    )


def _ip6(data: bytes) -> Packet:
    ip = dpkt.ip6.IP6(data)
    header = ip.extension_hdrs.get(dpkt.ip.IP_PROTO_FRAGMENT)
    return _transport(
        ip.p,
        ip.data,
        source=socket.inet_ntop(socket.AF_INET6, ip.src),
        destination=socket.inet_ntop(socket.AF_INET6, ip.dst),
        identification=0 if header is None else header.id,
        hops=ip.hlim,
        fragment=None if header is None else (header.frag_off * 8, bool(header.m_flag)),
    )


READERS: Mapping[bytes, Callable[[bytes], Packet]] = {
    b"\x08\x00": _ip4,
    b"\x08\x06": _arp,
    b"\x86\xdd": _ip6,
}
"""Parsers by the type in the Ethernet header."""

UNREADABLE = (
    dpkt.Error,
    struct.error,
    ValueError,
    IndexError,
    AttributeError,
    KeyError,
    TypeError,
)


def _transport(protocol: int, data: object, **network: Any) -> Packet:
    """The packet made from an IP header's fields, `network`, and what follows the header."""
    if isinstance(data, dpkt.tcp.TCP):
        return Packet(
            "tcp",
            source_port=data.sport,
            destination_port=data.dport,
            flags="".join(letter for bit, letter in FLAGS if data.flags & bit),
            sequence=data.seq,
            acknowledgement=data.ack,
            window=data.win,
            length=len(data.data),
            options=_options(data.opts) if data.opts else (),
            payload=bytes(data.data),
            **network,
        )
    if isinstance(data, dpkt.udp.UDP):
        # The first of several fragments carries the length of the whole datagram.
        return Packet(
            "udp",
            source_port=data.sport,
            destination_port=data.dport,
            length=max(0, data.ulen - 8),
            payload=bytes(data.data),
            **network,
        )
    if isinstance(data, dpkt.icmp.ICMP):
        quoted = getattr(data.data, "data", None)
        about = _of_ip4(quoted) if isinstance(quoted, dpkt.ip.IP) else None
        return Packet("icmp", text=_icmp(data.type, data.code), about=about, **network)
    if isinstance(data, dpkt.icmp6.ICMP6):
        return Packet("icmp", text=f"type {data.type}", **network)
    raw = bytes(data) if isinstance(data, (bytes, dpkt.Packet)) else b""
    return Packet("ip", text=f"protocol {protocol}", length=len(raw), payload=raw, **network)


def _icmp(kind: int, code: int) -> str:
    if kind == dpkt.icmp.ICMP_UNREACH:
        return f"{UNREACHABLE.get(code, f'code {code}')} unreachable"
    return {0: "echo reply", 8: "echo request", 11: "time exceeded"}.get(kind, f"type {kind}")


def _options(raw: bytes) -> tuple[str, ...]:
    shown: list[str] = []
    for kind, data in dpkt.tcp.parse_opts(raw):
        if kind == dpkt.tcp.TCP_OPT_MSS and len(data) == 2:
            shown.append(f"largest segment {struct.unpack('!H', data)[0]}")
        elif kind == dpkt.tcp.TCP_OPT_WSCALE and len(data) == 1:
            shown.append(f"window scale {data[0]}")
        elif kind == dpkt.tcp.TCP_OPT_SACKOK:
            shown.append("SACK permitted")
        elif kind == dpkt.tcp.TCP_OPT_SACK and len(data) % 8 == 0:
            edges = struct.unpack(f"!{len(data) // 4}I", data)
            shown.append(f"SACK {len(edges) // 2} block" + "s" * (len(edges) > 2))
        elif kind == dpkt.tcp.TCP_OPT_TIMESTAMP and len(data) == 8:
            shown.append("time stamps {} {}".format(*struct.unpack("!II", data)))
    return tuple(shown)
