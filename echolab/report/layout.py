"""Where each moment of an excerpt stands on the page: time runs downwards, to scale."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Iterable, Sequence

from echolab.report.events import PacketEvent
from echolab.report.excerpts import Excerpt
from echolab.report.pcap import NANOSECONDS

SCREEN = 500.0
"""The greatest height of a ladder in pixels: a loss and its healing are seen at a glance."""

FLIGHT, LEAST_FLIGHT = 56.0, 9.0
"""Pixels that a packet's usual flight takes downwards: where there is room, and at least."""

LONGEST_GAP, DRAWN_GAP = 96.0, 40.0
"""A time without events that would be higher than the first is a break, drawn as the second."""


@dataclasses.dataclass(frozen=True)
class Break:
    """A time without events that is not drawn to scale: where, and how many nanoseconds."""

    top: float
    bottom: float
    nanoseconds: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """Time as height: `moments` in nanoseconds, each with its height in pixels, later ones lower.

    Between two breaks, equal times have equal heights; `flight` is the usual flight.
    """

    moments: tuple[int, ...]
    heights: tuple[float, ...]
    breaks: tuple[Break, ...]
    flight: int

    @property
    def height(self) -> float:
        """The height of the last moment."""
        return self.heights[-1]

    def y(self, at: int) -> float:
        """The height of any moment, interpolated between two known ones."""
        place = bisect.bisect_left(self.moments, at)
        if place == len(self.moments):
            return self.heights[-1]
        if place == 0 or self.moments[place] == at:
            return self.heights[place]
        begin, end = self.moments[place - 1], self.moments[place]
        top, bottom = self.heights[place - 1], self.heights[place]
        return top + (bottom - top) * (at - begin) / (end - begin)


def lay_out(excerpt: Excerpt, more: Iterable[int] = ()) -> Layout:
    """Give each moment of an excerpt, and `more`, its height.

    Strategy: one scale for everything, so large that a usual flight is `FLIGHT` high, but smaller
    if the whole would be higher than a screen. A long time without events becomes a break.
    """
    flight = usual_flight(excerpt.packet_events)
    moments = sorted({*_moments(excerpt, flight), *more})
    scale, least = FLIGHT / flight, LEAST_FLIGHT / flight
    while scale > least and _height(moments, scale) > SCREEN:
        scale = max(least, scale * 0.9)
    heights, breaks = [0.0], []
    for before, at in itertools.pairwise(moments):
        top = heights[-1]
        bottom = top + _drawn(at - before, scale)
        if (at - before) * scale > LONGEST_GAP:
            breaks.append(Break(top, bottom, at - before))
        heights.append(bottom)
    return Layout(tuple(moments), tuple(heights), tuple(breaks), flight)


def _drawn(nanoseconds: int, scale: float) -> float:
    gap = nanoseconds * scale
    return DRAWN_GAP if gap > LONGEST_GAP else gap


def _height(moments: Sequence[int], scale: float) -> float:
    pairs = itertools.pairwise(moments)
    return sum(_drawn(after - before, scale) for before, after in pairs)


def _moments(excerpt: Excerpt, flight: int) -> Iterable[int]:
    for event in excerpt.packet_events:
        yield event.at
        yield from (arrival.at for arrival in event.passage.arrivals)
        if not event.arrived:
            yield event.at + flight
    for call in excerpt.calls:
        yield call.at
        if call.returned is not None:
            yield call.returned


def usual_flight(packet_events: Iterable[PacketEvent]) -> int:
    """The median flight in nanoseconds; a tenth of the whole if nothing arrived."""
    taking: Sequence[PacketEvent] = list(packet_events)
    flights = sorted(
        event.passage.arrivals[0].at - event.passage.sent
        for event in taking
        if event.passage.arrivals and event.passage.sent is not None
    )
    if flights and flights[len(flights) // 2] > 0:
        return flights[len(flights) // 2]
    whole = max(event.end for event in taking) - min(event.at for event in taking)
    return max(whole // 10, NANOSECONDS // 10_000)


def spread(wanted: Sequence[float], apart: float, top: float) -> list[float]:
    """Places as near as possible to the wanted ones, in order, at least `apart`, from `top`.

    Strategy: with `apart` subtracted for each one before, the places must not decrease. Neighbours
    that do are merged at their mean, as often as needed (isotonic regression, Ayer et al., 1955).
    """
    pools: list[tuple[float, int]] = []
    for number, place in enumerate(wanted):
        pools.append((place - number * apart, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, weight), (other, count) = pools[-2:]
            mean = (one * weight + other * count) / (weight + count)
            pools[-2:] = [(mean, weight + count)]
    flat = [max(top, mean) for mean, count in pools for _ in range(count)]
    return [place + number * apart for number, place in enumerate(flat)]
