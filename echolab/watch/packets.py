"""All packets of a run that goes on: what its captures tell, matched as they grow.

Strategy: what a capture has got since the last time is matched together with what was still open
then. A packet that has arrived, and whose link is patient no longer, is settled: its frames are not
looked at again. So a look costs what is under way, however long the run has been. The frames of a
packet that is taken for dead stay, since it may yet come out of a long queue.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from echolab.errors import BadInput
from echolab.intervention import OF_ONE_PACKET, Intervention
from echolab.report import matching, pcap
from echolab.report.matching import Matched
from echolab.scenario.watched import Device, Look, Opening
from echolab.watch import flights
from echolab.watch.flights import NANOSECONDS, Flight, Hosts

MOST_DEAD = 2000
"""Packets taken for dead, of one network, that may yet come out of their links."""


class _Capture:
    """A capture that grows, and its frames of which it is not known yet what became of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._growing = pcap.Growing(path.name)
        self._taken = 0
        self._sent_at: Counter[int] = Counter()
        self.open: dict[int, pcap.Frame] = {}
        self.numbers: dict[int, int] = {}

    def read_on(self) -> list[pcap.Frame] | None:
        """The open frames, new ones among them; None if there is no capture yet."""
        try:
            self._growing.read_on(self._path)
        except BadInput:
            return None
        if self._growing.empty:
            return None
        frames = self._growing.frames
        for place in range(self._taken, len(frames)):
            frame = frames[place]
            self._sent_at[frame.at] += 1
            self.open[place], self.numbers[place] = frame, self._sent_at[frame.at]
        self._taken = len(frames)
        return list(self.open.values())

    def settle(self, frame: pcap.Frame) -> None:
        """Look at a frame no more."""
        self.open.pop(frame.place, None)
        self.numbers.pop(frame.place, None)


class _Network:
    """The packets of one network."""

    def __init__(self, name: str, devices: Sequence[Device], folder: Path) -> None:
        self._name = name
        self._hosts = Hosts.of(devices)
        self._macs = {one.host: one.mac for one in devices}
        self._before = {one.host: _Capture(folder / one.before) for one in devices}
        self._behind = {one.host: _Capture(folder / one.behind) for one in devices}
        self._passages: dict[str, matching.Passage] = {}
        self._dead: dict[str, Matched] = {}
        self.flights: dict[str, Flight] = {}
        self.open: dict[str, Flight] = {}

    def read(
        self,
        opening: Opening,
        looks: Sequence[Look],
        known: float,
        singled: Mapping[tuple[str, str, int], Intervention],
    ) -> None:
        """Take in what is new. The fate is known of what was sent until lab second `known`."""
        seen = {
            host: matching.Seen(mac, self._before[host].read_on(), self._behind[host].read_on())
            for host, mac in self._macs.items()
        }
        self.open = {}
        for key, one in self._named(matching.matched(seen), opening):
            flight = self.flights.get(key)
            sent = one.passage.at - opening.epoch
            over = sent <= known * NANOSECONDS
            told = self._passages.get(key) == one.passage
            lost = over and not one.passage.arrivals
            if flight is None or not told or (lost and not flight.reason):
                flight = flights.made(
                    key, self._name, one.passage, opening, looks, known, self._hosts
                )
                deed = singled.get((self._name, one.passage.source, sent))
                if deed is not None and deed.packet == flights.beginning(one.passage.data):
                    flight = flights.after(deed, flight)
                self.flights[key], self._passages[key] = flight, one.passage
            if lost:
                self._dead[key] = one
            elif over:
                self._settle(key, one)
            elif not one.passage.arrivals:
                self.open[key] = flight
        while len(self._dead) > MOST_DEAD:
            self._settle(*next(iter(self._dead.items())))

    def _named(self, found: Sequence[Matched], opening: Opening) -> Iterator[tuple[str, Matched]]:
        """Each passage with what names it, however often the run is performed."""
        unseen: Counter[tuple[str, int]] = Counter()
        for one in found:
            source, at = one.passage.source, one.passage.at
            if one.before is not None:
                number = str(self._before[source].numbers[one.before.place])
            else:  # it was handed over before anybody looked
                unseen[source, at] += 1
                number = f"-{unseen[source, at]}"
            yield f"{self._name} {source} {at - opening.epoch} {number}", one

    def _settle(self, key: str, one: Matched) -> None:
        if one.before is not None:
            self._before[one.passage.source].settle(one.before)
        for host, frame in one.behind:
            self._behind[host].settle(frame)
        self._passages.pop(key, None)
        self._dead.pop(key, None)


@dataclasses.dataclass(frozen=True)
class Packets:
    """Every packet so far, in the order in which they were sent.

    Of those sent until lab second `certain` it is known what became of them.
    """

    flights: tuple[Flight, ...]
    certain: float


class Reader:
    """Reads the packets of the run in a folder as it goes on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._networks: dict[str, _Network] = {}

    def read(
        self,
        opening: Opening,
        looks: Sequence[Look],
        interventions: Sequence[Intervention],
        *,
        ended: bool,
    ) -> Packets:
        """Every packet so far; if the run has `ended`, none is under way any more."""
        horizon = looks[-1].at if looks else 0.0
        known = float("inf") if ended else horizon - flights.patience(looks)
        singled = {
            (one.network, one.host, round(one.sent * NANOSECONDS)): one
            for one in interventions
            if one.kind in OF_ONE_PACKET
        }
        if not self._networks:
            self._networks = {
                name: _Network(name, devices, self._folder)
                for name, devices in _by_network(opening).items()
            }
        for network in self._networks.values():
            network.read(opening, looks, known, singled)
        found = [one for network in self._networks.values() for one in network.flights.values()]
        return Packets(
            tuple(sorted(found, key=lambda one: one.sent)), self._certain(horizon, known)
        )

    def _certain(self, horizon: float, known: float) -> float:
        """The lab second before which no packet is under way whose end is not known."""
        under_way = (
            one.sent for network in self._networks.values() for one in network.open.values()
        )
        return min(horizon, max(known, min(under_way, default=horizon)))


def _by_network(opening: Opening) -> Mapping[str, list[Device]]:
    found: dict[str, list[Device]] = defaultdict(list)
    for one in opening.devices:
        found[one.network].append(one)
    return found
