"""A class is graded: by name, each student for themselves, whatever the others hand in."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from echolab.classroom import checking, exercise, grading
from echolab.classroom.checking import Order
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.errors import BadInput, CannotRun

FIRST = exercise.find("1")


def a_class(tmp_path: Path, *students: str) -> grading.Class:
    for name in students:
        (tmp_path / name).mkdir()
    return grading.Class(FIRST, tmp_path)


def test_students_are_the_sub_folders_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    orders = a_class(tmp_path, "bob", "ada", ".git").orders()
    assert [order.label for order in orders] == ["ada", "bob"]


def test_a_folder_without_students_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no sub-folders"):
        grading.Class(FIRST, tmp_path).orders()


def test_without_a_seed_all_meet_the_same_network(tmp_path: Path) -> None:
    assert {order.seed for order in a_class(tmp_path, "ada", "bob").orders()} == {1}


def test_with_a_seed_each_student_has_a_network_that_the_name_determines(tmp_path: Path) -> None:
    a_class(tmp_path, "ada", "bob")
    first = [order.seed for order in grading.Class(FIRST, tmp_path, seed=3).orders()]
    a_class(tmp_path, "aaron")
    later = [order.seed for order in grading.Class(FIRST, tmp_path, seed=3).orders()]
    assert len(set(later)) == 3
    assert later[1:] == first


def result_of(order: Order) -> CheckResult:
    if order.label == "killer":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return checking.broken(order, CannotRun("for the test"))


def test_a_worker_that_is_killed_costs_its_own_student_alone(tmp_path: Path) -> None:
    orders = a_class(tmp_path, "ada", "bob", "killer", "zoe").orders()
    results = list(grading._side_by_side(orders, result_of, 2))
    assert [result.submission for result in results] == ["ada", "bob", "killer", "zoe"]
    reasons = {result.submission: result.cases[0].reason for result in results}
    assert reasons.pop("killer") == "the checker was killed"
    assert set(reasons.values()) == {"for the test"}


def test_everything_is_written_for_every_student(tmp_path: Path) -> None:
    orders = a_class(tmp_path, "ada", "bob").orders()
    results = [checking.broken(order, CannotRun("for the test")) for order in orders]
    out = tmp_path / "out"
    grading.write_all(results, out)
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    for name in ("ada", "bob"):
        assert f"reports/{name}.txt" in written
        assert f"gradescope/{name}/results.json" in written
        assert sum(path.startswith(f"artemis/{name}/") for path in written) == len(FIRST.cases)
    assert {"results.csv", "junit.xml"} <= written


def test_a_submission_without_a_program_fails_and_says_why(tmp_path: Path) -> None:
    order = a_class(tmp_path, "ada").orders()[0]
    result = grading._Worker(grading_settings())(order)
    assert {case.verdict for case in result.cases} == {Verdict.FAILED}
    assert "has no files" in result.cases[0].seen


def grading_settings() -> checking.Settings:
    from echolab.cli import settings

    return settings()
