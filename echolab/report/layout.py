"""Where each moment of a stretch stands on the page: times become heights."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from echolab.report.calls import Call
from echolab.report.pcap import NANOSECONDS
from echolab.report.steps import Step
from echolab.report.stretches import Stretch
from echolab.report.words import at_once

FLIGHT = 66.0
"""Pixels that a packet's usual flight takes downwards."""

LONGEST_GAP, DRAWN_GAP = 180.0, 62.0
"""A gap in time that would be higher than the first is drawn as the second, and marked."""

APART = {"packet": 25.0, "call": 19.0, "missed": 0.0}
"""Pixels between two moments of one kind on one lifeline, so that their words can be read."""


@dataclasses.dataclass(frozen=True)
class Mark:
    """A moment on a lifeline: of a packet, or of a call beside it. `serial` keeps it unique,
    and orders what is of one moment: calls begin before packets move, and return after."""

    at: int
    host: str
    kind: str
    serial: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """Every mark with its height in pixels, later ones lower; and what they belong to.

    `sent` and `arrived` have the marks of packets by number, `missed` those of the moment
    at which one that died would have arrived, after a usual flight. `calls` has for each call
    its mark and that of its return, None where both are one moment. `breaks` are heights
    of shortened gaps with the nanoseconds that pass there.
    """

    marks: tuple[Mark, ...]
    y: Mapping[Mark, float]
    sent: Mapping[int, Mark]
    arrived: Mapping[int, tuple[Mark, ...]]
    missed: Mapping[int, Mark]
    calls: tuple[tuple[Call, Mark, Mark | None], ...]
    breaks: tuple[tuple[float, int], ...]

    @property
    def height(self) -> float:
        """Height of the lowest mark."""
        return max(self.y.values(), default=0.0)


def lay_out(stretch: Stretch) -> Layout:
    """Give each moment of a stretch its height.

    Strategy: time runs evenly, so scaled that a usual flight is `FLIGHT` high. A long
    wait is shortened and marked as such. Two moments on one lifeline are kept `APART`
    where their words would overlap, which pushes down everything later; so heights never
    contradict the order of time.
    """
    usual = _usual_flight(stretch.steps)
    sent, arrived, calls = _marks(stretch)
    missed = {
        step.number: Mark(step.at + round(usual), step.source, "missed", -step.number)
        for step in stretch.steps
        if not step.arrived
    }
    marks = [*sent.values(), *(mark for several in arrived.values() for mark in several)]
    marks += missed.values()
    for _, begun, over in calls:
        marks += [begun] if over is None else [begun, over]
    marks.sort(key=lambda mark: (mark.at, mark.serial))
    scale = FLIGHT / usual
    y: dict[Mark, float] = {}
    breaks: list[tuple[float, int]] = []
    lowest: dict[tuple[str, str], float] = {}
    height, before = 0.0, marks[0].at
    for mark in marks:
        gap = (mark.at - before) * scale
        if gap > LONGEST_GAP:
            breaks.append((height + DRAWN_GAP / 2, mark.at - before))
            gap = DRAWN_GAP
        column = (mark.host, mark.kind)
        height = max(height + gap, lowest.get(column, -APART[mark.kind]) + APART[mark.kind])
        y[mark] = lowest[column] = height
        before = mark.at
    return Layout(tuple(marks), y, sent, arrived, missed, tuple(calls), tuple(breaks))


def _marks(
    stretch: Stretch,
) -> tuple[dict[int, Mark], dict[int, tuple[Mark, ...]], list[tuple[Call, Mark, Mark | None]]]:
    serials = itertools.count(1)
    sent: dict[int, Mark] = {}
    arrived: dict[int, tuple[Mark, ...]] = {}
    begun = [Mark(call.at, call.host, "call", next(serials)) for call in stretch.calls]
    for step in stretch.steps:
        if step.passage.sent is not None:
            sent[step.number] = Mark(step.passage.sent, step.source, "packet", next(serials))
        several = []
        for arrival in step.passage.arrivals:
            several.append(Mark(arrival.at, arrival.host, "packet", next(serials)))
        arrived[step.number] = tuple(several)
    over = [
        Mark(call.returned, call.host, "call", next(serials))
        if call.returned is not None and not at_once(call, stretch)
        else None
        for call in stretch.calls
    ]
    return sent, arrived, list(zip(stretch.calls, begun, over, strict=True))


def _usual_flight(steps: Iterable[Step]) -> float:
    """The median flight in nanoseconds; a tenth of the whole where nothing arrived."""
    taking: Sequence[Step] = list(steps)
    flights = sorted(
        step.passage.arrivals[0].at - step.passage.sent
        for step in taking
        if step.passage.arrivals and step.passage.sent is not None
    )
    if flights and flights[len(flights) // 2] > 0:
        return float(flights[len(flights) // 2])
    whole = max(step.end for step in taking) - min(step.at for step in taking)
    return max(whole / 10, NANOSECONDS / 1e4)
