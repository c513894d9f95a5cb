"""What TCP did, judged by the packets: retransmissions, healed losses, repeated ACKs."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterable

from echolab.report.packet import Packet

SEQUENCE_SPACE = 1 << 32
LOOK_BACK = 256
"""How many earlier retransmissions are searched for the bytes of a later one."""


@dataclasses.dataclass(frozen=True)
class Segment:
    """One segment as sent: `number` identifies it, `arrived` is whether it arrived undamaged."""

    number: int
    packet: Packet
    arrived: bool


@dataclasses.dataclass(frozen=True)
class Role:
    """What a segment is within its stream.

    `sequence` and `acknowledgement` count from the first number seen of each direction.
    `repeats` are the numbers of earlier segments with bytes of this one; `heals` are those
    of them that died and whose bytes first arrive with this one. `needless` marks a
    retransmission of bytes that had already arrived. `repeated_ack` marks a segment that
    repeats the acknowledgement of the one before it.
    """

    sequence: int
    acknowledgement: int
    repeats: tuple[int, ...] = ()
    heals: tuple[int, ...] = ()
    needless: bool = False
    repeated_ack: bool = False


def roles(segments: Iterable[Segment]) -> dict[int, Role]:
    """The role of each segment of one connection, given in the order of sending."""
    sides: dict[tuple[str, int], _Side] = {}
    found: dict[int, Role] = {}
    for segment in segments:
        packet = segment.packet
        side = sides.setdefault((packet.source, packet.source_port), _Side())
        peer = sides.setdefault((packet.destination, packet.destination_port), _Side())
        found[segment.number] = side.take(segment, peer)
    return found


class _Side:
    """One direction of a connection: what it sent so far, in numbers that do not wrap."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._highest = 0
        self._acknowledged: tuple[int, int] | None = None
        self._starts: list[int] = []
        self._fresh: list[tuple[int, int, Segment]] = []
        self._again: list[tuple[int, int, Segment]] = []
        self._healed: set[int] = set()

    def take(self, segment: Segment, peer: _Side) -> Role:
        packet = segment.packet
        start = self._place(packet.sequence)
        acknowledgement = peer._place(packet.acknowledgement) if "A" in packet.flags else 0
        end = start + packet.occupies()
        repeated_ack = self._says_again(packet, acknowledgement)
        if end == start:
            return Role(start, acknowledgement, repeated_ack=repeated_ack)
        if start >= self._highest:
            self._starts.append(start)
            self._fresh.append((start, end, segment))
            self._highest = end
            return Role(start, acknowledgement)
        earlier = self._overlapping(start, end)
        self._again.append((start, end, segment))
        self._highest = max(self._highest, end)
        heals: tuple[int, ...] = ()
        if segment.arrived:
            heals = tuple(
                one.number for one in earlier if not one.arrived and one.number not in self._healed
            )
            self._healed.update(heals)
        return Role(
            start,
            acknowledgement,
            repeats=tuple(one.number for one in earlier),
            heals=heals,
            needless=any(one.arrived for one in earlier) and not heals,
        )

    def _place(self, number: int) -> int:
        """A sequence number relative to the first, using the nearest wrap (RFC 9293, 3.4)."""
        if self._first is None:
            # An acknowledgement names the next byte: the first of a stream seen from midway.
            self._first = number
            return 0
        relative = (number - self._first) % SEQUENCE_SPACE
        wraps = round((self._highest - relative) / SEQUENCE_SPACE)
        return relative + wraps * SEQUENCE_SPACE

    def _says_again(self, packet: Packet, acknowledgement: int) -> bool:
        said = (acknowledgement, packet.window)
        again = packet.flags == "A" and not packet.length and said == self._acknowledged
        self._acknowledged = said
        return again

    def _overlapping(self, start: int, end: int) -> list[Segment]:
        place = max(0, bisect.bisect_right(self._starts, start) - 1)
        found = []
        for first, last, segment in self._fresh[place:]:
            if first >= end:
                break
            if last > start:
                found.append(segment)
        found += [
            segment
            for first, last, segment in self._again[-LOOK_BACK:]
            if first < end and last > start
        ]
        return found
