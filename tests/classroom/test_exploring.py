"""Cases that explore: performed under schedules of faults, a failure told by the least of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from echolab.classroom import exercise, exploring, text
from echolab.classroom.case import Case
from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.schedule import Faults, parse

Submit = Callable[[CheckRequest], "Future[CheckResult]"]

FAULTS = 3
"""The number of the case of exercise 13 that explores."""

FAULTS_OF_A = Faults(kill=3, hosts=("a",))

EXPLORES = Case("name", "title", (), "why?", ((parse("kill a at 1 for 1"),),), FAULTS_OF_A, 2)


def node(folder: Path, at_restart: str) -> Path:
    """A node of exercise 13 that does something else once its host has been restarted."""
    (folder / "main.py").write_text(
        f"""import os, socket, sys
again = os.path.exists("started")
open("started", "a").close()
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(sys.argv[2])))
place = sorted(sys.argv[3:] + [sys.argv[1]]).index(sys.argv[1])
count = 0
while True:
    data, client = node.recvfrom(1000)
    if again:
        {at_restart}
    count += 1
    node.sendto(b"%s %d" % (data.split()[0], (place << 40) + count), client)
"""
    )
    return folder


def test_a_case_runs_without_faults_first_then_under_schedules_then_under_drawn_ones() -> None:
    runs = EXPLORES.runs(7)
    assert [run.schedule for run in runs[:2]] == [(), (parse("kill a at 1 for 1"),)]
    assert len(runs) == 4


def test_the_schedules_are_the_same_for_everybody_the_drawn_ones_are_the_students() -> None:
    one, other = EXPLORES.runs(7), EXPLORES.runs(8)
    assert one[1] == other[1]
    assert one[2:] != other[2:]
    assert EXPLORES.runs(7) == one


def test_the_runs_of_a_case_have_their_turns_whichever_others_are_performed() -> None:
    once, other = (replace(EXPLORES, name=name) for name in ("once", "other"))
    once = replace(once, schedules=(), faults=None, draws=0)
    turns = exploring.turns([once, EXPLORES, other], 7)
    assert turns == {"once": 1, "name": 1, "other": len(EXPLORES.runs(7))}


@pytest.mark.exact
def test_a_failure_is_that_of_the_least_schedule(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    order = order_of("13", "wrong-forgets", FAULTS, explain=1)
    (case,) = submit(order).result().cases
    assert case.verdict == Verdict.FAILED
    (fault,) = map(parse, case.schedule)
    assert (fault.kind, fault.lasts) == ("kill", 0.1)
    assert case.timeline  # of this very run
    told = "\n".join(text.explanation(case))
    assert f"faults:   {case.schedule[0]}" in told


@pytest.mark.exact
def test_a_failure_without_faults_says_that_it_needs_none(
    submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    (case,) = submit(order_of("13", "wrong-same-on-each", FAULTS)).result().cases
    assert case.verdict == Verdict.FAILED
    assert case.schedule == ()
    assert "none: it fails without any" in "\n".join(text.explanation(case))


@pytest.mark.exact
def test_a_program_that_ends_by_itself_under_faults_fails(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    order = order_of("13", str(node(tmp_path, "raise SystemExit(3)")), FAULTS)
    (case,) = submit(order).result().cases
    assert case.verdict == Verdict.FAILED
    assert case.schedule
    assert "ended with status 3" in case.seen


@pytest.mark.exact
def test_a_program_that_computes_for_ever_under_faults_is_stopped_once(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    order = order_of("13", str(node(tmp_path, "while True: pass")), FAULTS)
    (case,) = submit(order).result().cases
    assert case.verdict == Verdict.FAILED
    assert "computed on and on" in case.seen


def test_the_exercises_that_explore_have_schedules_for_everybody_and_drawn_ones() -> None:
    found = [exercise.find(name) for name in exercise.names() if name >= "13"]
    for one in found:
        exploring = [case for case in one.cases if case.schedules]
        assert exploring, one.name
        assert all(case.draws and case.faults for case in exploring)
