"""A ladder's time is to scale, its breaks are breaks, and its words never lie on each other."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.record import HostAddress
from echolab.report import ladder, layout, story
from echolab.report.excerpts import Excerpt
from tests.report import made


@pytest.fixture
def excerpts(tmp_path: Path) -> list[Excerpt]:
    wire = made.Wire()
    made.healed(wire)
    for number in range(8):
        sent = made.datagram("client", "server", made.message(number))
        wire.send(4 + number * 0.02, "client", "server", sent, dies=number == 3)
    record = made.record(captures=wire.write(tmp_path))
    return list(story.chosen(record, story.load(record, tmp_path)))


def test_the_same_time_is_the_same_height_but_for_breaks(excerpts: list[Excerpt]) -> None:
    for excerpt in excerpts:
        laid = layout.lay_out(excerpt)
        broken = {one.top for one in laid.breaks}
        pairs = itertools.pairwise(zip(laid.moments, laid.heights, strict=True))
        scales = [
            (lower - upper) / (after - before)
            for (before, upper), (after, lower) in pairs
            if upper not in broken
        ]
        assert scales == pytest.approx([scales[0]] * len(scales))


def test_a_break_says_how_long_it_is_and_is_shorter_than_that(excerpts: list[Excerpt]) -> None:
    breaks = [one for excerpt in excerpts for one in layout.lay_out(excerpt).breaks]
    assert breaks
    for one in breaks:
        assert one.bottom - one.top == pytest.approx(layout.DRAWN_GAP) and one.nanoseconds > 0


def test_a_ladder_is_not_higher_than_a_screen(excerpts: list[Excerpt]) -> None:
    assert all(layout.lay_out(excerpt).height <= layout.SCREEN for excerpt in excerpts)


@given(st.lists(st.floats(0, 500), max_size=40).map(sorted), st.floats(1, 20))
def test_places_are_apart_in_order_and_as_near_as_can_be(wanted: list[float], apart: float) -> None:
    places = layout.spread(wanted, apart, 0.0)
    assert len(places) == len(wanted)
    assert all(after - before >= apart - 1e-6 for before, after in itertools.pairwise(places))
    if all(after - before >= apart for before, after in itertools.pairwise(wanted)):
        assert places == pytest.approx(wanted)


def test_routers_have_lifelines_of_their_own(tmp_path: Path) -> None:
    wire = made.Wire()
    for place, (source, target) in enumerate((("client", "third"), ("third", "server"))):
        sent = made.datagram(source, target, b"hello")
        wire.send(1 + place * 0.01, source, target, sent)
    router = HostAddress("third", "10.0.0.3", made.mac("third").hex(":"))
    record = made.record(captures=wire.write(tmp_path), hosts=(*made.hosts(), router))
    told = story.load(record, tmp_path)
    chosen = story.chosen(record, told, 0.0)[0]
    assert ladder.present(chosen, told) == ("client", "third", "server")
    assert ladder.draw(chosen, told).count('class="host"') == 3
