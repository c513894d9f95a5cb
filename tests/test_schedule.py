"""Faults as a schedule: written, read again, drawn within what may happen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.link import Link
from echolab.schedule import AMOUNTS, KINDS, Faults, PlannedFault, parse

HOSTS = ("a", "b", "c")


@given(st.integers(0, 2**32))
def test_what_is_drawn_is_within_what_may_happen_and_is_read_as_it_is_written(seed: int) -> None:
    faults = Faults(kill=2, partition=1, slow=3, lose=1, pause=1, within=4.0, longest=2.0)
    drawn = faults.draw(random.Random(seed), HOSTS)
    kinds = [fault.kind for fault in drawn]
    assert all(kinds.count(kind) <= getattr(faults, kind) for kind in KINDS)
    assert list(drawn) == sorted(drawn, key=lambda fault: fault.at)
    for fault in drawn:
        assert fault.at <= 4.0 and 0 < fault.lasts <= 2.0 and set(fault.hosts) < set(HOSTS)
        assert parse(str(fault)) == fault
        assert (fault.amount > 0) == (fault.kind in AMOUNTS)


def test_the_same_seed_draws_the_same() -> None:
    faults = Faults(kill=2, partition=2)
    assert faults.draw(random.Random(5), HOSTS) == faults.draw(random.Random(5), HOSTS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("kill", "is not a fault"),
        ("kill a at 1", "is not a fault"),
        ("maim a at 1 for 2", "there is no fault 'maim'"),
        ("kill a, b at 1 for 2", "kill is given 2 hosts"),
        ("kill a at 1.2.3 for 2", "not a number"),
        ("lose a at 1 for 2", "has no chance"),
        ("lose a by 1.5 at 1 for 2", "has no chance"),
    ],
)
def test_a_text_that_is_no_fault_is_bad_input(text: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as caught:
        parse(text)
    assert caught.value.remedy


def test_figures_that_make_no_sense_are_bad_input() -> None:
    for make in (
        lambda: Faults(kill=-1),
        lambda: Faults(kill=1, within=0.0),
        lambda: PlannedFault("kill", ("a",), -1.0, 1.0),
        lambda: PlannedFault("kill", ("a",), float("nan"), 1.0),
        lambda: PlannedFault("kill", (), 1.0, 1.0),
    ):
        with pytest.raises(BadInput):
            make()


def test_what_faults_do_to_a_link_comes_on_top_of_it() -> None:
    link = Link(delay=0.1, loss=0.5, duplicate=0.1)
    assert PlannedFault("slow", ("a",), 0, 1, 0.2).on(link).delay == pytest.approx(0.3)
    assert PlannedFault("lose", ("a",), 0, 1, 0.5).on(link).loss == pytest.approx(0.75)
    assert PlannedFault("duplicate", ("a",), 0, 1, 0.5).on(link).duplicate == 0.5


def test_hosts_may_be_named_by_patterns() -> None:
    names = ("n1", "n2", "c0", "lin-kv")
    assert Faults(hosts=("n*",)).befallen(names) == ("n1", "n2")
    assert Faults(hosts=("c0", "n*", "n2", "gone")).befallen(names) == ("c0", "n1", "n2", "gone")
    assert Faults().befallen(names) == names
