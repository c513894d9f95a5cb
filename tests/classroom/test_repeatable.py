"""The same submission gets the same answer, to the byte; another seed another network."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab.classroom import museum, text
from echolab.classroom.checking import Order
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.cli import settings

Submit = Callable[[Order], "Future[CheckResult]"]


@pytest.mark.exact
def test_three_checks_give_the_same_bytes(submit: Submit, order_of: Callable[..., Order]) -> None:
    orders = [order_of("4", "wrong-takes-any", seed=5, explain=9) for _ in range(3)]
    futures = [submit(order) for order in orders]
    said = {text.check_text(future.result()) for future in futures}
    assert len(said) == 1
    assert "the last system calls and packets" in said.pop()


@pytest.mark.exact
def test_another_seed_is_another_network_and_the_same_verdict(
    submit: Submit, order_of: Callable[..., Order]
) -> None:
    futures = [submit(order_of("1", "wrong-one-recv", 2, seed=seed)) for seed in (1, 2)]
    one, other = (future.result().cases[0] for future in futures)
    assert one.verdict == other.verdict == Verdict.FAILED
    assert [step.text for step in one.steps] != [step.text for step in other.steps]


@pytest.mark.exact
def test_every_exhibit_fails_broken_and_passes_mended(guest: None) -> None:
    exhibits = museum.show(None, settings(), lambda line: None)
    assert len(exhibits) >= 5
    shown = [(e.name, e.broken.verdict, e.mended.verdict) for e in exhibits]
    assert shown == [(e.name, Verdict.FAILED, Verdict.PASSED) for e in exhibits]
    minus_one = museum.show_text(tuple(e for e in exhibits if e.name == "minus-one"))
    assert "send(4, 18446744073709551615 bytes)" in minus_one


@pytest.mark.exact
def test_a_test_program_is_graded_by_the_exhibits_that_it_tells_apart(
    guest: None, tmp_path: Path
) -> None:
    own = Path(__file__).parent.parent / "exercises" / "museum-test"
    visits = museum.test_program(own, settings(), lambda line: None)
    assert [visit.name for visit in visits if not visit.right] == []
    assert museum.visits_text(visits).endswith("9 of 9 exhibits caught\n")


@pytest.mark.exact
def test_a_test_program_that_accuses_everybody_catches_nothing(guest: None, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import sys\nsys.exit(1)\n")
    visits = museum.test_program(tmp_path, settings(), lambda line: None)
    assert {visit.state for visit in visits if visit.right} == {"broken"}
    assert museum.visits_text(visits).endswith("0 of 9 exhibits caught\n")
