"""The steps of a packet story: each packet with its fate and what it means for the others."""

from __future__ import annotations

import dataclasses
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from echolab.report import streams
from echolab.report.calls import Call
from echolab.report.captures import Captures
from echolab.report.matching import ARRIVED, DIED, Passage
from echolab.report.packet import Conversation, Packet, parse
from echolab.report.pcap import NANOSECONDS

MESSAGE = struct.Struct("!4sIII")
"""Head of a probe's message: magic, probe, number, size (`echo_app.message`)."""

EVERYONE = "all"
"""The target of a frame for every host, an ARP request for example."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One packet of the story; `number` counts from 1 in the order of sending.

    `target` is a host or `EVERYONE`. `role` is what a segment does in its stream, None
    for anything but TCP. `conversation` is what it belongs to. `overtakes` and `overtaken`
    compare it with packets of the same two hosts. `piece` is the place and number of the
    fragments that are known of its datagram, None for a whole one. `messages` are the
    probe's numbers that it carries.
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

    @property
    def source(self) -> str:
        """The host that sent it."""
        return self.passage.source

    @property
    def at(self) -> int:
        """When it was sent, or is first known of."""
        return self.passage.at

    @property
    def arrived(self) -> bool:
        """Whether anybody is known to have received it."""
        return self.passage.fate == ARRIVED

    @property
    def died(self) -> bool:
        """Whether it ended on its sender's link."""
        return self.passage.fate == DIED

    @property
    def damaged(self) -> bool:
        """Whether it arrived with other bytes than it was sent with."""
        return any(arrival.damaged for arrival in self.passage.arrivals)

    @property
    def twice(self) -> bool:
        """Whether a host received it more than once."""
        hosts = [arrival.host for arrival in self.passage.arrivals]
        return len(hosts) > len(set(hosts))

    @property
    def end(self) -> int:
        """When it last arrived anywhere, or was sent where it did not."""
        arrivals = self.passage.arrivals
        return arrivals[-1].at if arrivals else self.at


@dataclasses.dataclass(frozen=True)
class Story:
    """All that the captures of a run tell: its hosts, packets, system calls and lacks.

    `hosts` stand in the order in which they first spoke. `zero` is the nanosecond since
    1970 at which lab time began. `healed_by` has, for the number of each dead packet that
    was healed, the number of the one that did it.
    """

    hosts: tuple[str, ...]
    zero: int
    steps: tuple[Step, ...]
    calls: tuple[Call, ...]
    notes: tuple[str, ...]
    healed_by: Mapping[int, int]

    def seconds(self, at: int) -> float:
        """Lab seconds of a moment."""
        return (at - self.zero) / NANOSECONDS

    def died(self, host: str) -> int:
        """Packets of a host that ended on its link."""
        return sum(step.source == host and step.died for step in self.steps)


def tell(record: Mapping[str, Any], seen: Captures, calls: Sequence[Call] = ()) -> Story:
    """The story of matched captures and traced calls."""
    names = {host["mac"]: host["name"] for host in record["hosts"]}
    steps = _steps(seen.passages, names)
    steps = _in_streams(_in_pieces(_in_order(steps)))
    healed_by = {
        dead: step.number for step in steps if step.role is not None for dead in step.role.heals
    }
    return Story(
        hosts=_in_order_of_speaking(tuple(names.values()), steps),
        zero=_zero(record, steps, calls),
        steps=tuple(steps),
        calls=tuple(calls),
        notes=seen.notes,
        healed_by=healed_by,
    )


def _in_order_of_speaking(hosts: Sequence[str], steps: Sequence[Step]) -> tuple[str, ...]:
    """The hosts, those that spoke first ahead: the client stands left of its server."""
    spoke = [step.source for step in steps if step.packet.protocol in ("tcp", "udp")]
    first = dict.fromkeys([*spoke, *hosts])
    return tuple(first)


def _zero(record: Mapping[str, Any], steps: Sequence[Step], calls: Sequence[Call]) -> int:
    if record.get("epoch") is not None:
        return round(float(record["epoch"]) * NANOSECONDS)
    return min([step.at for step in steps] + [call.at for call in calls], default=0)


def _steps(passages: Iterable[Passage], names: Mapping[str, str]) -> list[Step]:
    steps = []
    for number, passage in enumerate(passages, start=1):
        packet = parse(passage.data)
        steps.append(
            Step(
                number=number,
                passage=passage,
                packet=packet,
                target=names.get(passage.data[:6].hex(":"), EVERYONE),
                conversation=packet.conversation,
                messages=_messages(packet.payload),
            )
        )
    return steps


def _messages(payload: bytes) -> tuple[int, ...]:
    """The numbers of a probe's messages that begin in a payload."""
    numbers: list[int] = []
    place = payload.find(b"echo")
    while 0 <= place <= len(payload) - MESSAGE.size:
        magic, _, number, size = MESSAGE.unpack_from(payload, place)
        if magic != b"echo" or size < MESSAGE.size:
            break
        numbers.append(number)
        place += size
    return tuple(numbers)


def _in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps, each told whether it overtook others of its way or was overtaken."""
    ways: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        if step.arrived and step.target != EVERYONE:
            ways[step.source, step.target].append(step)
    passing, passed = set(), set()
    for way in ways.values():
        arrivals = [step.passage.arrivals[0].at for step in way]
        latest = -1
        for step, at in zip(way, arrivals, strict=True):
            if at < latest:
                passing.add(step.number)
            latest = max(latest, at)
        earliest = arrivals[-1]
        for step, at in zip(reversed(way), reversed(arrivals), strict=True):
            if at > earliest:
                passed.add(step.number)
            earliest = min(earliest, at)
    return [
        dataclasses.replace(step, overtakes=step.number in passing, overtaken=step.number in passed)
        if step.number in passing or step.number in passed
        else step
        for step in steps
    ]


def _in_pieces(steps: Sequence[Step]) -> list[Step]:
    """The steps, fragments counted and given the conversation of their first one."""
    whole: dict[tuple[str, str, int], list[Step]] = defaultdict(list)
    for step in steps:
        if step.packet.fragment is not None:
            packet = step.packet
            whole[packet.source, packet.destination, packet.identification].append(step)
    changed: dict[int, Step] = {}
    for pieces in whole.values():
        offsets = sorted({step.packet.fragment[0] for step in pieces if step.packet.fragment})
        heads = [step for step in pieces if step.packet.fragment and step.packet.fragment[0] == 0]
        for step in pieces:
            assert step.packet.fragment is not None
            changed[step.number] = dataclasses.replace(
                step,
                piece=(offsets.index(step.packet.fragment[0]) + 1, len(offsets)),
                conversation=(heads[0] if heads else step).conversation,
            )
    return [changed.get(step.number, step) for step in steps]


def _in_streams(steps: Sequence[Step]) -> list[Step]:
    """The steps, each segment with its role in its connection."""
    connections: dict[Conversation, list[streams.Segment]] = defaultdict(list)
    for step in steps:
        if step.packet.protocol == "tcp":
            whole = step.arrived and not step.damaged
            connections[step.conversation].append(streams.Segment(step.number, step.packet, whole))
    found: dict[int, streams.Role] = {}
    for segments in connections.values():
        found |= streams.roles(segments)
    return [
        dataclasses.replace(step, role=found[step.number]) if step.number in found else step
        for step in steps
    ]
