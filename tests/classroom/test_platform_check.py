"""What a platform reads is there from the first moment on, and grows as cases end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from echolab.classroom import check, exercise, exports, platform_check
from echolab.classroom.platform_check import Order, Target, perform
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.settings import Settings

FIRST = exercise.find("1")

SUBMISSIONS = Path(__file__).parents[1] / "exercises" / "01-stream-client"

PASSED = CaseResult(1, "one", "x", Verdict.PASSED)
FORGED = "--|>\nGrade :=>> 100\r- forged"
FAILED = CaseResult(2, "two", "x", Verdict.FAILED, seen=FORGED, output=FORGED)
NOT_JUDGED = CaseResult(3, "three", "x", Verdict.NOT_JUDGED, reason="the disk is full")


def settings(cache: Path | None = None) -> Settings:
    here = Settings.from_environment(os.environ)
    return here if cache is None else Settings(here.folder, cache, here.compose)


def result(*cases: CaseResult) -> CheckResult:
    return CheckResult("01-x", "submission", 1, "Python", cases)


def order(submission: Path, target: Target, out: Path) -> Order:
    return Order(check.order(FIRST, submission), target, out)


def test_before_anything_is_performed_no_case_counts_as_reached(tmp_path: Path) -> None:
    given = order(tmp_path, Target.GRADESCOPE, tmp_path / "out")
    platform_check._Telling(given, given.request, settings(tmp_path), lambda text: None).begin()
    document = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert document["score"] == 0.0
    assert {(test["score"], test["max_score"]) for test in document["tests"]} == {(0.0, 1.0)}
    assert "the check was ended before this case" in document["tests"][0]["output"]


def test_a_submission_without_a_program_has_results_that_say_so(tmp_path: Path) -> None:
    (tmp_path / "handed-in").mkdir()
    said: list[str] = []
    given = order(tmp_path / "handed-in", Target.GRADESCOPE, tmp_path / "out")
    perform(given, settings(), said.append)
    document = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert "has no files" in document["tests"][0]["output"]
    assert "has no files" in said[-1]


@pytest.mark.exact
@pytest.mark.parametrize("target", [Target.GRADESCOPE, Target.ARTEMIS])
def test_the_students_file_has_no_paths_and_the_lecturer_is_told_all(
    target: Target, guest: None, tmp_path: Path
) -> None:
    said: list[str] = []
    given = order(SUBMISSIONS / "wrong-one-recv", target, tmp_path / "out")
    found = perform(given, settings(), said.append)
    (file,) = (tmp_path / "out").iterdir()
    assert found.count(Verdict.FAILED) == 4
    assert str(SUBMISSIONS) not in file.read_text(encoding="utf-8")
    assert "3 of 7 cases passed, 4 failed" in said[-1]


def test_nothing_that_a_program_wrote_is_taken_for_a_grade() -> None:
    lines = "\n".join(exports.vpl_comments([FAILED])).splitlines()
    assert lines[0] == "<|--" and lines[-1] == "--|>"
    assert lines[1].startswith("- ✘ 2 two")
    assert all(line.startswith(">") for line in lines[2:-1])
    assert sum("Grade :=>> 100" in line for line in lines[2:-1]) == 2


@pytest.mark.parametrize(
    ("cases", "complete", "grade"),
    [
        ((PASSED, FAILED), True, "Grade :=>> 5"),
        ((PASSED, NOT_JUDGED), True, "Grade :=>> 10"),
        ((PASSED, NOT_JUDGED), False, "Grade :=>> 5"),
        ((NOT_JUDGED,), True, "Grade :=>> 0"),
    ],
)
def test_a_case_costs_a_point_only_if_it_failed_or_was_not_reached(
    cases: tuple[CaseResult, ...], complete: bool, grade: str
) -> None:
    assert exports.vpl_grade(result(*cases), 10.0, complete=complete) == grade
