"""Made captures: frames as hosts would send them, put on a wire that does as it is told."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dpkt

from echolab.record import (
    Capture,
    Check,
    Claim,
    Exchange,
    Fate,
    HostAddress,
    Machine,
    Probe,
    ProgramRun,
    Record,
    TcCommand,
    Traits,
    Versions,
)
from echolab.record.probe import latency as latency_of

EPOCH = 1_700_000_000
NANOSECONDS = 1_000_000_000
SHAPE = "tc qdisc replace dev eth0 root handle 1: netem limit 5000 delay 50ms loss random 10%"
HOSTS = ("client", "server", "third")


def mac(host: str) -> bytes:
    return bytes([2, 0, 0, 0, 0, HOSTS.index(host) + 1])


def ip(host: str) -> bytes:
    return bytes([10, 0, 0, HOSTS.index(host) + 1])


def ethernet(source: str, target: str, packet: dpkt.Packet | bytes, kind: int = 0x0800) -> bytes:
    frame = dpkt.ethernet.Ethernet(src=mac(source), dst=mac(target), type=kind, data=packet)
    return bytes(frame)


def datagram(
    source: str, target: str, payload: bytes, ports: tuple[int, int] = (40000, 7), number: int = 0
) -> bytes:
    if source != "client":
        ports = ports[1], ports[0]
    udp = dpkt.udp.UDP(sport=ports[0], dport=ports[1], data=payload, ulen=8 + len(payload))
    return ethernet(source, target, _ip(source, target, 17, udp, number))


def segment(
    source: str,
    target: str,
    flags: str,
    sequence: int,
    acknowledgement: int = 0,
    payload: bytes = b"",
    ports: tuple[int, int] = (50000, 7),
    number: int = 0,
) -> bytes:
    if source != "client":
        ports = ports[1], ports[0]
    bits = sum({"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}[letter] for letter in flags)
    tcp = dpkt.tcp.TCP(
        sport=ports[0],
        dport=ports[1],
        seq=sequence % 2**32,
        ack=acknowledgement % 2**32,
        flags=bits,
        win=64240,
        data=payload,
    )
    return ethernet(source, target, _ip(source, target, 6, tcp, number))


def fragments(
    source: str, target: str, payload: bytes, piece: int, number: int, ports: tuple[int, int]
) -> list[bytes]:
    """The IPv4 fragments of one datagram, `piece` bytes (a multiple of 8) in each but the last."""
    udp = dpkt.udp.UDP(sport=ports[0], dport=ports[1], data=payload, ulen=8 + len(payload))
    whole = bytes(udp)
    made = []
    for offset in range(0, len(whole), piece):
        part = dpkt.ip.IP(src=ip(source), dst=ip(target), p=17, id=number, ttl=64)
        part.mf = int(offset + piece < len(whole))
        part.offset = offset
        part.data = whole[offset : offset + piece]
        part.len = 20 + len(part.data)
        made.append(ethernet(source, target, part))
    return made


def _ip(source: str, target: str, protocol: int, data: dpkt.Packet, number: int) -> dpkt.ip.IP:
    packet = dpkt.ip.IP(src=ip(source), dst=ip(target), p=protocol, id=number, ttl=64, data=data)
    packet.len = len(packet)
    return packet


def message(number: int, size: int = 64, probe: int = 1) -> bytes:
    return struct.pack("!4sIII", b"echo", probe, number, size).ljust(size, b".")


@dataclasses.dataclass
class Wire:
    """Collects what each host's two captures would hold; times are seconds."""

    delay: float = 0.05
    hosts: tuple[str, ...] = ("client", "server")
    files: dict[tuple[str, str], list[tuple[int, bytes]]] = dataclasses.field(default_factory=dict)
    sent: int = 0

    def send(
        self,
        at: float,
        source: str,
        target: str,
        frame: bytes,
        *,
        dies: bool = False,
        copies: int = 1,
        delay: float | None = None,
        arrives_as: bytes | None = None,
        vanishes: bool = False,
    ) -> float:
        """Put a frame on the wire and return when it arrives (or would)."""
        self.sent += 1
        left = at + (self.delay if delay is None else delay)
        self._note(source, "before-link", at, frame)
        if not dies:
            out = frame if arrives_as is None else arrives_as
            for copy in range(copies):
                self._note(source, "after-link", left + copy * 1e-6, out)
                if not vanishes:
                    self._note(target, "after-link", left + copy * 1e-6 + 2e-6, out)
        return left + 2e-6

    def _note(self, host: str, where: str, at: float, frame: bytes) -> None:
        moment = EPOCH * NANOSECONDS + round(at * NANOSECONDS)
        self.files.setdefault((host, where), []).append((moment, frame))

    def write(self, folder: Path) -> tuple[Capture, ...]:
        """Write the captures and return a record's list of them."""
        listed = []
        for (host, where), frames in sorted(self.files.items()):
            content = pcap(sorted(frames, key=lambda pair: pair[0]))
            name = f"{host}.{where}.pcap"
            (folder / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            listed.append(Capture(host, where, name, digest))
        return tuple(listed)


def pcap(frames: Sequence[tuple[int, bytes]], magic: int = 0xA1B23C4D) -> bytes:
    """A capture file of frames with times in nanoseconds since 1970."""
    out = io.BytesIO()
    out.write(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 65535, 1))
    for at, data in frames:
        seconds, rest = divmod(at, NANOSECONDS)
        out.write(struct.pack("<IIII", seconds, rest, len(data), len(data)) + data)
    return out.getvalue()


def hosts() -> tuple[HostAddress, ...]:
    return tuple(
        HostAddress(name, ".".join(map(str, ip(name))), mac(name).hex(":"))
        for name in ("client", "server")
    )


def exchanges(fates: Sequence[str], interval: float, latency: float) -> Iterator[Exchange]:
    """Messages with those fates: delivered, slow, late, lost, twice."""
    order = 0
    for number, fate in enumerate(fates):
        sent = number * interval
        took = latency * (15 if fate == "late" else 3.3 if fate == "slow" else 1)
        took += (number * 7919 % 101) * 1e-5
        received = None if fate == "lost" else sent + took
        became: Fate = "lost" if fate == "lost" else "late" if fate == "late" else "delivered"
        place = None if received is None else order
        yield Exchange(number, sent, received, became, place, int(fate == "twice"))
        order += received is not None


def probe(
    protocol: str,
    fates: Sequence[str],
    *,
    started: float = 1.0,
    interval: float = 0.02,
    latency: float = 0.1,
) -> Probe:
    """A record's probe whose messages had those fates: delivered, slow, late, lost, twice."""
    made = tuple(exchanges(fates, interval, latency))
    became = [exchange.fate for exchange in made]
    return Probe(
        host="client",
        target="server",
        protocol=protocol,
        count=len(made),
        delivered=became.count("delivered"),
        lost=became.count("lost"),
        late=became.count("late"),
        duplicated=sum(exchange.duplicates for exchange in made),
        out_of_order=0,
        latency=latency_of([one.latency for one in made if one.latency is not None]),
        retransmits=0,
        connect=None,
        size=64,
        interval=interval,
        started=started,
        ended=None,
        seconds=1.0,
        kernel={},
        errors=(),
        tcp_info={},
        exchanges=made,
    )


def program(*, started: float, calls: str = "", ended: float | None = None) -> ProgramRun:
    """A program of the client's that ended well, with the trace of its calls."""
    return ProgramRun("client", ("./client",), 0, "", "", started, ended or started + 1, calls)


def record(**changes: Any) -> Record:
    """A judged record of a small run, with the changes."""
    made = Record(
        scenario="loss",
        sentence="Allerdings gibt es keine Garantie für das Ankommen des Paketes "
        "bei der Gegenseite",
        summary="A lost datagram stays lost; a stream delivers it, later.",
        expect="1-(1-p)^2 of the datagrams stay unanswered.",
        parameters={"loss": 0.1, "count": 500},
        engine="exact",
        traits=Traits(virtual=True),
        seed=7,
        kernel="7.3.4",
        link_by="netem",
        link_kernel="7.3.4",
        lab_seconds=65.0,
        wall_seconds=1.2,
        epoch=float(EPOCH),
        hosts=hosts(),
        commands=(TcCommand(0.5, "client", tuple(SHAPE.split())),),
        claims=(
            Claim(
                "rate",
                "datagrams lost on the way there or back",
                seen=96,
                of=500,
                theory=0.19,
                verdict="pass",
                why="96 of 500 = 19.20% (95 % Wilson interval 15.99% to 22.88%)",
            ),
        ),
        versions=Versions(python="3.13.1"),
        verdict="pass",
        checks=(Check("baseline", "pass", "nothing was lost unshaped"),),
        machine=Machine("Linux", "a processor", "Debian"),
        started="2026-01-01T00:00:00Z",
    )
    return dataclasses.replace(made, **changes)


def at_once(wire: Wire, at: float = 1.0) -> None:
    """A handshake on a link without delay, in a time that stands still meanwhile."""
    segments = (
        ("client", "server", segment("client", "server", "S", 100)),
        ("server", "client", segment("server", "client", "SA", 900, 101)),
        ("client", "server", segment("client", "server", "A", 101, 901)),
    )
    moment = EPOCH * NANOSECONDS + round(at * NANOSECONDS)
    for source, target, frame in segments:
        for host, where in (
            (source, "before-link"),
            (source, "after-link"),
            (target, "after-link"),
        ):
            wire.files.setdefault((host, where), []).append((moment, frame))


def healed(wire: Wire, at: float = 1.0) -> None:
    """A connection whose second segment dies and is sent again by time-out."""
    send = wire.send
    client, server = 4_294_967_000, 1000  # wraps around within the stream
    arrived = send(at, "client", "server", segment("client", "server", "S", client))
    reply = segment("server", "client", "SA", server, client + 1)
    arrived = send(arrived + 1e-5, "server", "client", reply)
    at = arrived + 1e-5
    send(at, "client", "server", segment("client", "server", "A", client + 1, server + 1))
    for number in range(6):
        at += 0.15
        here = client + 1 + 64 * number
        there = server + 1 + 64 * number
        data = segment("client", "server", "PA", here, there, message(number))
        if number == 2:
            send(at, "client", "server", data, dies=True)
            at += 0.208
        arrived = send(at, "client", "server", data[:18] + b"\x11\x11" + data[20:])
        answer = segment("server", "client", "PA", there, here + 64, message(number))
        back = send(arrived + 2e-5, "server", "client", answer)
        last = segment("client", "server", "A", here + 64, there + 64)
        send(back + 1e-5, "client", "server", last)
        at = back
    fin = client + 1 + 64 * 6
    arrived = send(
        at + 0.01, "client", "server", segment("client", "server", "FA", fin, server + 385)
    )
    arrived = send(
        arrived + 1e-5,
        "server",
        "client",
        segment("server", "client", "FA", server + 385, fin + 1),
    )
    send(
        arrived + 1e-5, "client", "server", segment("client", "server", "A", fin + 1, server + 386)
    )
