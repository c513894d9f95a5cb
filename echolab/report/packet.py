"""What the headers of one frame say: Ethernet, ARP, IPv4, IPv6, UDP, TCP, ICMP."""

from __future__ import annotations

import dataclasses
import socket
import struct

import dpkt

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
    """The fields of one frame that a reader of the report asks for.

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
        """Sequence numbers that a segment takes: its bytes, and one each for S and F."""
        return self.length + ("S" in self.flags) + ("F" in self.flags)


def parse(frame: bytes) -> Packet:
    """The packet in an Ethernet frame; `other` where it cannot be read (it may be damaged)."""
    try:
        ethernet = dpkt.ethernet.Ethernet(frame)
        content = ethernet.data
        if isinstance(content, dpkt.arp.ARP):
            return _arp(content)
        if isinstance(content, dpkt.ip.IP):
            return _ip4(content)
        if isinstance(content, dpkt.ip6.IP6):
            return _ip6(content)
    except (dpkt.Error, struct.error, ValueError, IndexError, AttributeError, KeyError, TypeError):
        # dpkt lets what a damaged length field causes through as it comes.
        pass
    return Packet("other", text=f"{len(frame)} bytes", length=len(frame))


def _arp(arp: dpkt.arp.ARP) -> Packet:
    sender = socket.inet_ntop(socket.AF_INET, arp.spa)
    target = socket.inet_ntop(socket.AF_INET, arp.tpa)
    if arp.op == dpkt.arp.ARP_OP_REQUEST:
        text = f"who has {target}?"
    else:
        text = f"{sender} is at {arp.sha.hex(':')}"
    return Packet("arp", sender, target, text=text)


def _ip4(ip: dpkt.ip.IP) -> Packet:
    packet = Packet(
        "ip",
        source=socket.inet_ntop(socket.AF_INET, ip.src),
        destination=socket.inet_ntop(socket.AF_INET, ip.dst),
        identification=ip.id,
        hops=ip.ttl,
    )
    if ip.mf or ip.offset:
        packet = dataclasses.replace(packet, fragment=(ip.offset, bool(ip.mf)))
    return _transport(packet, ip.p, ip.data)


def _ip6(ip: dpkt.ip6.IP6) -> Packet:
    packet = Packet(
        "ip",
        source=socket.inet_ntop(socket.AF_INET6, ip.src),
        destination=socket.inet_ntop(socket.AF_INET6, ip.dst),
        hops=ip.hlim,
    )
    header = ip.extension_hdrs.get(dpkt.ip.IP_PROTO_FRAGMENT)
    if header is not None:
        packet = dataclasses.replace(
            packet,
            identification=header.id,
            fragment=(header.frag_off * 8, bool(header.m_flag)),
        )
    return _transport(packet, ip.p, ip.data)


def _transport(packet: Packet, protocol: int, data: object) -> Packet:
    if isinstance(data, dpkt.tcp.TCP):
        return dataclasses.replace(
            packet,
            protocol="tcp",
            source_port=data.sport,
            destination_port=data.dport,
            flags="".join(letter for bit, letter in FLAGS if data.flags & bit),
            sequence=data.seq,
            acknowledgement=data.ack,
            window=data.win,
            length=len(data.data),
            options=_options(data.opts),
            payload=bytes(data.data),
        )
    if isinstance(data, dpkt.udp.UDP):
        # The first of several fragments carries the length of the whole datagram.
        return dataclasses.replace(
            packet,
            protocol="udp",
            source_port=data.sport,
            destination_port=data.dport,
            length=max(0, data.ulen - 8),
            payload=bytes(data.data),
        )
    if isinstance(data, dpkt.icmp.ICMP):
        quoted = getattr(data.data, "data", None)
        return dataclasses.replace(
            packet,
            protocol="icmp",
            text=_icmp(data.type, data.code),
            about=_ip4(quoted) if isinstance(quoted, dpkt.ip.IP) else None,
        )
    if isinstance(data, dpkt.icmp6.ICMP6):
        return dataclasses.replace(packet, protocol="icmp", text=f"type {data.type}")
    raw = bytes(data) if isinstance(data, (bytes, dpkt.Packet)) else b""
    return dataclasses.replace(packet, text=f"protocol {protocol}", length=len(raw), payload=raw)


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
