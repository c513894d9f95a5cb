"""The events of a packet story: each packet with its fate and its meaning for the others."""

from __future__ import annotations

import dataclasses
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from echolab.record import Fault, Life, Record
from echolab.report import streams
from echolab.report.calls import Call
from echolab.report.captures import Captures
from echolab.report.matching import ARRIVED, DIED, Passage
from echolab.report.packet import Conversation, Packet, parse
from echolab.report.pcap import NANOSECONDS

MESSAGE = struct.Struct("!4sIII")
"""Head of a probe's message: magic, probe, number, size (`echo_app.message`)."""

DELAY = re.compile(r"([\d.e+-]+)(s|ms|us|ns)")
"""A time as tc(8) takes it."""

UNITS = {"s": NANOSECONDS, "ms": 1_000_000, "us": 1_000, "ns": 1}

EVERYONE = "all"
"""The target of a frame for every host, such as an ARP request."""


@dataclasses.dataclass(frozen=True)
class PacketEvent:
    """One packet of the story; `number` counts from 1 in the order of sending.

    `target` is a host or `EVERYONE`. `role` is what a segment does in its stream, None
    for anything other than TCP. `conversation` is what it belongs to. `overtakes` and `overtaken`
    compare it with packets of the same two hosts. `piece` is its place among the known
    fragments of its datagram and their number, None for a whole datagram. `messages` are
    the numbers of the probe messages that it carries. `under_way` is whether the run may have
    ended before it had crossed its sender's link.
    """

    number: int
    passage: Passage
    packet: Packet
    target: str
    conversation: Conversation
    role: streams.Role | None = None
    overtakes: bool = False
    overtaken: bool = False
    piece: tuple[int, int] | None = None
    messages: tuple[int, ...] = ()
    under_way: bool = False

    @property
    def source(self) -> str:
        """The host that sent it."""
        return self.passage.source

    @property
    def at(self) -> int:
        """When it was sent or, if that is unknown, first seen."""
        return self.passage.at

    @property
    def arrived(self) -> bool:
        """Whether any host is known to have received it."""
        return self.passage.fate == ARRIVED

    @property
    def died(self) -> bool:
        """Whether it ended on its sender's link."""
        return self.passage.fate == DIED and not self.under_way

    @property
    def damaged(self) -> bool:
        """Whether it arrived with bytes that differ from those sent."""
        return any(arrival.damaged for arrival in self.passage.arrivals)

    @property
    def twice(self) -> bool:
        """Whether a host received it more than once."""
        hosts = [arrival.host for arrival in self.passage.arrivals]
        return len(hosts) > len(set(hosts))

    @property
    def end(self) -> int:
        """When it last arrived anywhere or, if it did not arrive, when it was sent."""
        arrivals = self.passage.arrivals
        return arrivals[-1].at if arrivals else self.at


@dataclasses.dataclass(frozen=True)
class Story:
    """Everything that the captures of a run tell: its hosts, packets, system calls and gaps.

    `hosts` are in the order in which they first sent. `zero` is the nanosecond since 1970
    at which lab time began. `healed_by` maps the number of each dead packet that was healed
    to the number of the packet that healed it. `faults` are what was done to hosts, and what
    happened to their services.
    """

    hosts: tuple[str, ...]
    zero: int
    packet_events: tuple[PacketEvent, ...]
    calls: tuple[Call, ...]
    notes: tuple[str, ...]
    healed_by: Mapping[int, int]
    faults: tuple[Fault | Life, ...] = ()

    def moment(self, fault: Fault | Life) -> int:
        """The nanosecond since 1970 of a fault."""
        return self.zero + round(fault.at * NANOSECONDS)

    def seconds(self, at: int) -> float:
        """A time in nanoseconds since 1970, in lab seconds."""
        return (at - self.zero) / NANOSECONDS

    def died(self, host: str) -> int:
        """Packets of a host that ended on its link."""
        return sum(event.source == host and event.died for event in self.packet_events)


def tell(record: Record, seen: Captures, calls: Sequence[Call] = ()) -> Story:
    """The story of matched captures and traced calls."""
    names = {
        mac: host.name
        for host in record.hosts
        if not host.shares
        for mac in (host.mac, *(one.mac for one in host.interfaces))
    }
    packet_events = _at_the_end(_packet_events(seen.passages, names), record)
    packet_events = _in_streams(_in_pieces(_in_order(packet_events)))
    healed_by = {
        dead: event.number
        for event in packet_events
        if event.role is not None
        for dead in event.role.heals
    }
    return Story(
        hosts=_in_order_of_speaking(tuple(dict.fromkeys(names.values())), packet_events),
        zero=_zero(record, packet_events, calls),
        packet_events=tuple(packet_events),
        calls=tuple(calls),
        notes=seen.notes,
        healed_by=healed_by,
        faults=tuple(sorted((*record.faults, *record.lives), key=lambda one: one.at)),
    )


def _in_order_of_speaking(
    hosts: Sequence[str], packet_events: Sequence[PacketEvent]
) -> tuple[str, ...]:
    """The hosts in the order in which they first sent: a client stands left of its server."""
    spoke = [event.source for event in packet_events if event.packet.protocol in ("tcp", "udp")]
    first = dict.fromkeys([*spoke, *hosts])
    return tuple(first)


def _zero(record: Record, packet_events: Sequence[PacketEvent], calls: Sequence[Call]) -> int:
    if record.epoch is not None:
        return round(record.epoch * NANOSECONDS)
    return min([event.at for event in packet_events] + [call.at for call in calls], default=0)


def _packet_events(passages: Iterable[Passage], names: Mapping[str, str]) -> list[PacketEvent]:
    packet_events = []
    for number, passage in enumerate(passages, start=1):
        packet = parse(passage.data)
        packet_events.append(
            PacketEvent(
                number=number,
                passage=passage,
                packet=packet,
                target=names.get(passage.data[:6].hex(":"), EVERYONE),
                conversation=packet.conversation,
                messages=_messages(packet.payload),
            )
        )
    return packet_events


def _at_the_end(packet_events: Sequence[PacketEvent], record: Record) -> list[PacketEvent]:
    """The events, each marked if it was sent too late to have left its link by the end.

    A packet takes at most as long as the slowest that crossed that link, or as the link was
    configured to delay one.
    """
    if record.epoch is None:
        return list(packet_events)
    ended = round((record.epoch + record.lab_seconds) * NANOSECONDS)
    longest: dict[str, int] = defaultdict(int)
    for command in record.commands:
        longest[command.host] = max(longest[command.host], _delay(command.argv))
    for event in packet_events:
        for copy in event.passage.copies or ():
            longest[event.source] = max(longest[event.source], copy - event.at)
    return [
        dataclasses.replace(event, under_way=True)
        if event.passage.fate == DIED and event.at + longest[event.source] >= ended
        else event
        for event in packet_events
    ]


def _delay(argv: Sequence[str]) -> int:
    """The nanoseconds by which a `tc` command delays a packet at most, its jitter included."""
    if "delay" not in argv:
        return 0
    after = argv[argv.index("delay") + 1 :][:2]
    found = [DELAY.fullmatch(word) for word in after]
    return sum(round(float(one[1]) * UNITS[one[2]]) for one in found if one)


def _messages(payload: bytes) -> tuple[int, ...]:
    """The numbers of the probe messages that begin in a payload."""
    numbers: list[int] = []
    place = payload.find(b"echo")
    while 0 <= place <= len(payload) - MESSAGE.size:
        magic, _, number, size = MESSAGE.unpack_from(payload, place)
        if magic != b"echo" or size < MESSAGE.size:
            break
        numbers.append(number)
        place += size
    return tuple(numbers)


def _in_order(packet_events: Sequence[PacketEvent]) -> list[PacketEvent]:
    """The events, each marked if it overtook, or was overtaken, in its direction."""
    ways: dict[tuple[str, str], list[PacketEvent]] = defaultdict(list)
    for event in packet_events:
        if event.arrived and event.target != EVERYONE:
            ways[event.source, event.target].append(event)
    passing, passed = set(), set()
    for way in ways.values():
        arrivals = [event.passage.arrivals[0].at for event in way]
        latest = -1
        for event, at in zip(way, arrivals, strict=True):
            if at < latest:
                passing.add(event.number)
            latest = max(latest, at)
        earliest = arrivals[-1]
        for event, at in zip(reversed(way), reversed(arrivals), strict=True):
            if at > earliest:
                passed.add(event.number)
            earliest = min(earliest, at)
    return [
        dataclasses.replace(
            event, overtakes=event.number in passing, overtaken=event.number in passed
        )
        if event.number in passing or event.number in passed
        else event
        for event in packet_events
    ]


def _in_pieces(packet_events: Sequence[PacketEvent]) -> list[PacketEvent]:
    """The events, with fragments counted and assigned to the conversation of the first one."""
    whole: dict[tuple[str, str, int], list[PacketEvent]] = defaultdict(list)
    for event in packet_events:
        if event.packet.fragment is not None:
            packet = event.packet
            whole[packet.source, packet.destination, packet.identification].append(event)
    changed: dict[int, PacketEvent] = {}
    for pieces in whole.values():
        offsets = sorted({event.packet.fragment[0] for event in pieces if event.packet.fragment})
        heads = [
            event for event in pieces if event.packet.fragment and event.packet.fragment[0] == 0
        ]
        for event in pieces:
            assert event.packet.fragment is not None
            changed[event.number] = dataclasses.replace(
                event,
                piece=(offsets.index(event.packet.fragment[0]) + 1, len(offsets)),
                conversation=(heads[0] if heads else event).conversation,
            )
    return [changed.get(event.number, event) for event in packet_events]


def _in_streams(packet_events: Sequence[PacketEvent]) -> list[PacketEvent]:
    """The events, each segment with its role in its connection.

    A segment that hosts forward is examined on each of its networks separately.
    """
    connections: dict[tuple[Conversation, frozenset[str]], list[streams.Segment]]
    connections = defaultdict(list)
    for event in packet_events:
        if event.packet.protocol == "tcp":
            whole = event.arrived and not event.damaged
            here = frozenset((event.source, event.target))
            connections[event.conversation, here].append(
                streams.Segment(event.number, event.packet, whole)
            )
    found: dict[int, streams.Role] = {}
    for segments in connections.values():
        found |= streams.roles(segments)
    return [
        dataclasses.replace(event, role=found[event.number]) if event.number in found else event
        for event in packet_events
    ]
