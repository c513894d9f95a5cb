"""Match what was sent with what arrived: by a frame's content, never by its place in a file.

Pure functions of captured frames. A frame keeps its bytes from the sender to the receiver of one
Ethernet, except for checksums, which a sender may leave to the device, and for damage that a link
was told to do. Times are in nanoseconds.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from echolab.report.pcap import Frame

ARRIVED, DIED, VANISHED = "arrived", "died", "vanished"
"""Fates: `died` on the sender's link; `vanished` after it: no receiver's capture has it."""

ETHERNET = 14
DAMAGE = 1
"""Bits that tc-netem(8) `corrupt` flips in one packet."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What was captured on one host: frames sent to its link, and frames after it.

    None if there was no such capture. `behind` has both what the link let through and what the
    host received; `mac` tells them apart.
    """

    mac: str
    before: Sequence[Frame] | None
    behind: Sequence[Frame] | None


@dataclasses.dataclass(frozen=True)
class Arrival:
    """A frame's arrival on a host; `damaged` if its bytes changed on the way."""

    host: str
    at: int
    damaged: bool = False


@dataclasses.dataclass(frozen=True)
class Passage:
    """One frame from its sender to those who received it.

    `sent` is when it was sent to the link, None if no capture of the sender has it; `copies` are
    the times at which it left the link, more than one if the link doubled it, and None if that was
    not captured.
    """

    data: bytes
    source: str
    sent: int | None
    copies: tuple[int, ...] | None
    arrivals: tuple[Arrival, ...]

    @property
    def fate(self) -> str:
        """What became of it: `arrived`, `died` or `vanished`."""
        if self.arrivals:
            return ARRIVED
        return VANISHED if self.copies else DIED

    @property
    def at(self) -> int:
        """When it was first seen."""
        return self.sent if self.sent is not None else self.arrivals[0].at


class Matched(NamedTuple):
    """A passage, and the frames that tell of it.

    `before` is that of its sender's capture before the link, None if there is none; `behind` those
    of captures behind links, each with its capture's host.
    """

    passage: Passage
    before: Frame | None
    behind: tuple[tuple[str, Frame], ...]


def identity(data: bytes) -> bytes:
    """The bytes that identify a frame: all but the checksums of TCP and UDP."""
    where = _checksum(data)
    return data if where is None else data[:where] + data[where + 2 :]


def _checksum(data: bytes) -> int | None:
    """The position of the checksum of TCP or UDP; None if there is none."""
    kind = data[12:14]
    if kind == b"\x08\x00" and len(data) >= ETHERNET + 20:
        later_fragment = (data[20] & 0x1F) or data[21]
        protocol, start = data[23], ETHERNET + 4 * (data[14] & 0x0F)
    elif kind == b"\x86\xdd" and len(data) >= ETHERNET + 40:
        later_fragment, protocol, start = 0, data[20], ETHERNET + 40
    else:
        return None
    if later_fragment:
        return None
    where = start + {6: 16, 17: 6}.get(protocol, len(data))
    return where if where + 2 <= len(data) else None


def match(seen: Mapping[str, Seen]) -> tuple[Passage, ...]:
    """Every frame that any host sent, with its arrivals, in order of time."""
    return tuple(flight.passage() for flight in _flights(seen))


def matched(seen: Mapping[str, Seen]) -> tuple[Matched, ...]:
    """The same, with the frames that tell of each."""
    return tuple(
        Matched(flight.passage(), flight.before, tuple(flight.behind()))
        for flight in _flights(seen)
    )


def _flights(seen: Mapping[str, Seen]) -> list[_Flight]:
    """The flights of all hosts, in order of time.

    Strategy: a frame's identity includes both Ethernet addresses, so that frames of two senders are
    never confused. First, what each host sent to its link is paired with what came out after it,
    which shows deaths and copies. Then what came out is paired with what each other host received.
    Whatever remains on both sides of a pairing is paired once more, allowing for the bit that a
    damaging link flips. Packets of the same time (many, if nothing delays them and time is virtual)
    are in the order in which one host saw them come and go.
    """
    hosts = {bytes.fromhex(one.mac.replace(":", "")): host for host, one in seen.items()}
    came: dict[str, list[Frame]] = {}
    left: dict[str, list[Frame] | None] = {}
    strange: dict[str, list[Frame]] = {}
    for host, one in seen.items():
        came[host], left[host], strange[host] = _by_direction(one, host, hosts)
    flights: list[_Flight] = []
    for host, one in seen.items():
        flights += _leave(host, one.before, left[host], strange[host])
    for host in seen:
        arrived = sorted([*strange[host], *came[host]], key=lambda frame: frame.at)
        _arrive(host, flights, arrived, hosts)
    ranks = {host: rank for rank, host in enumerate(seen)}
    flights.sort(key=lambda flight: flight.order(ranks))
    return flights


def _by_direction(
    one: Seen, host: str, hosts: Mapping[bytes, str]
) -> tuple[list[Frame], list[Frame] | None, list[Frame]]:
    """Frames that came to a host, that left it (None if nobody looked), and of unknown senders."""
    came: list[Frame] = []
    left: list[Frame] = []
    strange: list[Frame] = []
    for frame in one.behind or ():
        sender = hosts.get(frame.data[6:12])
        (strange if sender is None else left if sender == host else came).append(frame)
    # A capture of incoming frames alone says nothing about what left.
    return came, left if left and one.behind is not None else None, strange


class _Flight:
    """A passage in the making."""

    def __init__(self, frame: Frame, source: str, sent: int | None) -> None:
        self.before: Frame | None = None
        self.data = frame.data
        self.source = source
        self.sent = sent
        self.copies: list[Frame] | None = None
        self.arrivals: list[Arrival] = []
        self._seen: list[tuple[str, Frame]] = []

    def arrive(self, host: str, frame: Frame, *, damaged: bool) -> None:
        """Note an arrival."""
        self.arrivals.append(Arrival(host, frame.at, damaged))
        self._seen.append((host, frame))

    def order(self, ranks: Mapping[str, int]) -> tuple[int, int, int]:
        """The sort key: its time, and its place in the first host's capture that has it."""
        places = ((ranks[host], frame.place) for host, frame in self.behind())
        rank, place = min(places, default=(0, -1))
        return self.at, rank, place

    def behind(self) -> list[tuple[str, Frame]]:
        """Its frames in captures behind links."""
        return [(self.source, copy) for copy in self.copies or ()] + self._seen

    @property
    def at(self) -> int:
        """When it was first seen."""
        return self.sent if self.sent is not None else self.arrivals[0].at

    def departures(self) -> list[tuple[int, bytes]]:
        """When its copies set out for the receivers and with what bytes, as far as is known."""
        if self.copies is not None:
            return [(copy.at, copy.data) for copy in self.copies]
        return [] if self.sent is None else [(self.sent, self.data)]

    def passage(self) -> Passage:
        copies = None if self.copies is None else tuple(copy.at for copy in self.copies)
        arrivals = tuple(sorted(self.arrivals, key=lambda arrival: arrival.at))
        return Passage(self.data, self.source, self.sent, copies, arrivals)


def _handed_over(frame: Frame, host: str) -> _Flight:
    flight = _Flight(frame, host, frame.at)
    flight.before = frame
    return flight


def _leave(
    host: str,
    before: Sequence[Frame] | None,
    left: Sequence[Frame] | None,
    strange: list[Frame],
) -> list[_Flight]:
    """The flights of one sender, from both sides of its link.

    Frames in `strange` that turn out to be this sender's own, damaged, are removed from it.
    """
    if before is None:
        flights = []
        for frame in left or ():
            flight = _Flight(frame, host, frame.at)
            flight.copies = [frame]
            flights.append(flight)
        return flights
    flights = [_handed_over(frame, host) for frame in before]
    if left is None:
        return flights
    sends = [(index, frame.at, frame.data) for index, frame in enumerate(before)]
    paired, over = _pair(sends, left)
    for flight, frames in zip(flights, paired, strict=True):
        flight.copies = frames
    dead = [index for index, flight in enumerate(flights) if not flight.copies]
    for index, frame in _pair_damaged([sends[index] for index in dead], [*over, *strange]):
        flights[index].copies = [frame]
        if frame in over:
            over.remove(frame)
        else:
            strange.remove(frame)
    for frame in over:  # sent before the capture ahead of the link began
        flight = _Flight(frame, host, frame.at)
        flight.copies = [frame]
        flights.append(flight)
    return flights


def _arrive(
    host: str, flights: list[_Flight], came: Sequence[Frame], hosts: Mapping[bytes, str]
) -> None:
    """Pair what came to one host with what set out for it; the rest becomes flights too."""
    sends = [
        (index, at, data)
        for index, flight in enumerate(flights)
        if flight.source != host
        for at, data in flight.departures()
    ]
    paired, over = _pair(sends, came)
    unmet = []
    for send, frames in zip(sends, paired, strict=True):
        flight = flights[send[0]]
        for frame in frames:
            damaged = identity(frame.data) != identity(flight.data)
            flight.arrive(host, frame, damaged=damaged)
        if not frames and _meant_for(flight.data, host, hosts):
            unmet.append(send)
    for index, frame in _pair_damaged(unmet, over):
        flights[index].arrive(host, frame, damaged=True)
        over.remove(frame)
    for frame in over:
        sender = hosts.get(frame.data[6:12])
        if sender is not None:
            flight = _Flight(frame, sender, None)
            flight.arrive(host, frame, damaged=False)
            flights.append(flight)


def _meant_for(data: bytes, host: str, hosts: Mapping[bytes, str]) -> bool:
    receiver = hosts.get(data[:6])
    return receiver is None or receiver == host


Send = tuple[int, int, bytes]
"""Number of a flight, time, frame."""


def _pair(sends: Sequence[Send], frames: Sequence[Frame]) -> tuple[list[list[Frame]], list[Frame]]:
    """For each frame sent, the same frames as seen later; and the frames that match none."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for place, (_, _, data) in enumerate(sends):
        groups[identity(data)].append(place)
    arrivals: dict[bytes, list[Frame]] = defaultdict(list)
    over: list[Frame] = []
    for frame in frames:
        key = identity(frame.data)
        if key in groups:
            arrivals[key].append(frame)
        else:
            over.append(frame)
    paired: list[list[Frame]] = [[] for _ in sends]
    plain = [key for key, places in groups.items() if len(places) == 1]
    for key in plain:
        paired[groups[key][0]] = arrivals.get(key, [])
    usual = _median(
        paired[groups[key][0]][0].at - sends[groups[key][0]][1]
        for key in plain
        if paired[groups[key][0]]
    )
    for key, places in groups.items():
        if len(places) > 1:
            places.sort(key=lambda place: sends[place][1])
            times = [sends[place][1] for place in places]
            for place, got in zip(places, share(times, arrivals.get(key, []), usual), strict=True):
                paired[place] = got
    return paired, over


def share(times: Sequence[int], frames: Sequence[Frame], usual: int | None) -> list[list[Frame]]:
    """Assign identical frames to the times at which such a frame was sent.

    Strategy: what left first arrives first unless a link reorders, and no capture can tell one
    order of identical frames from another. So each arrival, in order, goes to the unassigned send
    whose flight would be nearest to the `usual` one (the median of the frames that are unique), or
    to the oldest if no usual flight is known. An arrival without a free send is a copy of the
    nearest.
    """
    dealt: list[list[Frame]] = [[] for _ in times]
    free = list(range(len(times)))
    for frame in frames:
        wanted = times[0] if usual is None else frame.at - usual
        place = _nearest(times, free, wanted, frame.at)
        if place is None:
            place = _nearest(times, range(len(times)), wanted, frame.at) or 0
        else:
            free.remove(place)
        dealt[place].append(frame)
    return dealt


def _nearest(times: Sequence[int], places: Sequence[int], wanted: int, latest: int) -> int | None:
    """The one of some places in a sorted list that is nearest to a time and not after `latest`."""
    beyond = bisect.bisect_left(places, wanted, key=times.__getitem__)
    around = [place for place in places[max(0, beyond - 1) : beyond + 1] if times[place] <= latest]
    return min(around, key=lambda place: abs(times[place] - wanted), default=None)


def _median(values: Iterable[int]) -> int | None:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else None


def _pair_damaged(sends: Sequence[Send], frames: Sequence[Frame]) -> list[tuple[int, Frame]]:
    """Pair sends and frames of the same length that differ by one flipped bit.

    A frame is taken once, by the latest send that it can belong to.
    """
    pairs: list[tuple[int, Frame]] = []
    free: dict[int, list[Frame]] = defaultdict(list)
    for frame in frames:
        free[len(frame.data)].append(frame)
    for index, at, data in sends:
        for frame in free[len(data)]:
            if frame.at >= at and 0 < turned_bits(data, frame.data) <= DAMAGE:
                pairs.append((index, frame))
                free[len(data)].remove(frame)
                break
    return pairs


def turned_bits(one: bytes, other: bytes) -> int:
    """Bits in which two frames of the same length differ, ignoring the checksums of TCP and UDP."""
    where = _checksum(one)
    if where is not None:
        one = one[:where] + one[where + 2 :]
        other = other[:where] + other[where + 2 :]
    difference = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return difference.bit_count()
