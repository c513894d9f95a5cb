"""The same submission gets the same answer, to the byte; another seed another network."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from echolab.classroom import check, exercise, museum, text
from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.settings import Settings

SUBMISSIONS = Path(__file__).parent.parent / "exercises"

SPINS_WHEN_THE_SERVER_CLOSES = """
import socket, sys
my_socket = socket.create_connection((sys.argv[1], int(sys.argv[2])))
my_socket.sendall(b"Wir erschrecken zu guten Zwecken!".ljust(1023, b"\\0"))
while my_socket.recv(1023):
    pass
while True:
    pass
"""

Submit = Callable[[CheckRequest], "Future[CheckResult]"]


@pytest.mark.exact
def test_three_checks_give_the_same_bytes(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    orders = [order_of("4", "wrong-takes-any", seed=5, explain=9) for _ in range(3)]
    futures = [submit(order) for order in orders]
    said = {text.check_text(future.result()) for future in futures}
    assert len(said) == 1
    assert "the last system calls and packets" in said.pop()


@pytest.mark.exact
@pytest.mark.parametrize(
    ("name", "submission", "number"),
    [("4", "wrong-no-retry", 5), ("11", "wrong-no-dedupe", 4)],
)
def test_a_case_performed_alone_tells_the_same_story_as_among_all(
    submit: Submit, name: str, submission: str, number: int
) -> None:
    found = exercise.find(name)
    path = SUBMISSIONS / found.name / submission
    futures = [submit(check.order(found, path, case=case)) for case in (None, number)]
    whole, alone = (future.result().cases for future in futures)
    assert len(whole) == len(found.cases)
    assert alone == (whole[number - 1],)
    assert alone[0].timeline


def bare(case: CaseResult) -> tuple[CaseResult, list[str]]:
    """A result without times, which are those of the packets where it is explained."""
    return replace(case, timeline=(), steps=()), [step.text for step in case.steps]


@pytest.mark.exact
def test_to_explain_failures_changes_no_verdict_and_no_step(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    orders = [order_of("11", "wrong-no-dedupe", seed=3, explain=explain) for explain in (0, 9)]
    plain, explained = (submit(order).result() for order in orders)
    assert any(case.timeline for case in explained.cases)
    assert list(map(bare, plain.cases)) == list(map(bare, explained.cases))


@pytest.mark.exact
def test_a_failure_is_explained_although_a_later_case_ends_the_guest(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    (tmp_path / "main.py").write_text(SPINS_WHEN_THE_SERVER_CLOSES)
    one, spun = submit(order_of("1", str(tmp_path), 1, 5, explain=9)).result().cases
    assert (one.verdict, spun.verdict) == (Verdict.FAILED, Verdict.FAILED)
    assert "computed on and on" in spun.seen
    assert one.timeline


@pytest.mark.exact
def test_another_seed_is_another_network_and_the_same_verdict(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    futures = [submit(order_of("1", "wrong-one-recv", 2, seed=seed)) for seed in (1, 2)]
    one, other = (future.result().cases[0] for future in futures)
    assert one.verdict == other.verdict == Verdict.FAILED
    assert [step.text for step in one.steps] != [step.text for step in other.steps]


@pytest.mark.exact
def test_every_exhibit_fails_broken_and_passes_mended(guest: None) -> None:
    exhibits = museum.show(None, Settings.from_environment(os.environ), lambda line: None)
    assert len(exhibits) >= 5
    shown = [(e.name, e.broken.verdict, e.fixed.verdict) for e in exhibits]
    assert shown == [(e.name, Verdict.FAILED, Verdict.PASSED) for e in exhibits]
    minus_one = museum.show_text(tuple(e for e in exhibits if e.name == "minus-one"))
    assert "send(4, 18446744073709551615 bytes)" in minus_one


@pytest.mark.exact
def test_a_test_program_is_graded_by_the_exhibits_that_it_tells_apart(
    guest: None, tmp_path: Path
) -> None:
    own = Path(__file__).parent.parent / "exercises" / "museum-test"
    visits = museum.test_program(own, Settings.from_environment(os.environ), lambda line: None)
    assert [visit.name for visit in visits if not visit.right] == []
    assert museum.visits_text(visits).endswith("9 of 9 exhibits caught\n")


@pytest.mark.exact
def test_a_test_program_that_accuses_everybody_catches_nothing(guest: None, tmp_path: Path) -> None:
    """It is handed in packed, as any submission may be."""
    with zipfile.ZipFile(tmp_path / "handed-in.zip", "w") as made:
        made.writestr("main.py", "import sys\nsys.exit(1)\n")
    given = tmp_path / "handed-in.zip"
    visits = museum.test_program(given, Settings.from_environment(os.environ), lambda line: None)
    assert {visit.state for visit in visits if visit.right} == {"broken"}
    assert museum.visits_text(visits).endswith("0 of 9 exhibits caught\n")
