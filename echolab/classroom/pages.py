"""A class's results as pages, one for the class and one for each student: pure functions."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from urllib.parse import quote

from echolab.classroom import text
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.language import translate as _
from echolab.report import page

STYLES = {Verdict.PASSED: "pass", Verdict.FAILED: "fail", Verdict.NOT_JUDGED: "inconclusive"}


@dataclasses.dataclass(frozen=True)
class CaseRow:
    """A case, and its results in the class: counts, and shares in percent."""

    number: int
    name: str
    title: str
    failed: int
    not_judged: int
    passed: int
    of: int
    share: float


@dataclasses.dataclass(frozen=True)
class AnswerRow:
    """What some students predicted; `happened` is whether that is what happened to them."""

    answer: str
    count: int
    share: float
    happened: int


@dataclasses.dataclass(frozen=True)
class StudentRow:
    """A student: marks and verdicts by case, how many passed, and where their own page is."""

    name: str
    link: str
    marks: Sequence[tuple[str, str, str]]
    passed: int
    of: int
    language: str


def class_page(results: Sequence[CheckResult], exercise: str) -> str:
    """The page of a class: cases by how many failed them, predictions, students."""
    return (
        page.environment()
        .get_template("class.html.j2")
        .render(
            title=_("{exercise}: {count} students").format(exercise=exercise, count=len(results)),
            exercise=exercise,
            students=[_student(result) for result in results],
            cases=cases(results),
            predictions=predictions(results),
            all_passed=sum(result.count(Verdict.PASSED) == len(result.cases) for result in results),
        )
    )


def student_page(result: CheckResult) -> str:
    """The page of a student: the summary, every case, predictions beside what happened."""
    return (
        page.environment()
        .get_template("student.html.j2")
        .render(
            title=f"{result.submission}: {result.exercise}",
            result=result,
            summary=text.summary(result),
            cases=[(case, STYLES[case.verdict], _told(case, result)) for case in result.cases],
        )
    )


def address(result: CheckResult) -> str:
    """The address of a student's page, relative to the class's."""
    return quote(f"reports/{result.submission}.html")


def cases(results: Sequence[CheckResult]) -> list[CaseRow]:
    """The cases, those first that most students failed."""
    found: dict[tuple[int, str, str], collections.Counter[Verdict]] = {}
    for result in results:
        for case in result.cases:
            counts = found.setdefault((case.number, case.name, case.title), collections.Counter())
            counts[case.verdict] += 1
    rows = [
        CaseRow(
            number,
            name,
            _(title),
            failed=counts[Verdict.FAILED],
            not_judged=counts[Verdict.NOT_JUDGED],
            passed=counts[Verdict.PASSED],
            of=counts.total(),
            share=round(100 * counts[Verdict.FAILED] / counts.total(), 1),
        )
        for (number, name, title), counts in found.items()
    ]
    return sorted(rows, key=lambda row: (-row.failed, row.number))


def predictions(results: Sequence[CheckResult]) -> dict[str, list[AnswerRow]]:
    """The answers to each prediction, the most frequent first."""
    given: dict[str, collections.Counter[str]] = {}
    right: dict[str, collections.Counter[str]] = {}
    for result in results:
        for one in result.predictions:
            answer = one.predicted or _("(none)")
            given.setdefault(one.name, collections.Counter())[answer] += 1
            matches = one.happened is not None and answer == one.happened
            right.setdefault(one.name, collections.Counter())[answer] += matches
    return {
        name: [
            AnswerRow(answer, count, round(100 * count / counts.total(), 1), right[name][answer])
            for answer, count in counts.most_common()
        ]
        for name, counts in given.items()
    }


def _student(result: CheckResult) -> StudentRow:
    marks = [
        (
            text.MARKS[case.verdict],
            STYLES[case.verdict],
            f"{case.number} {case.name}: {_(case.verdict.value)}",
        )
        for case in result.cases
    ]
    return StudentRow(
        result.submission,
        address(result),
        marks,
        result.count(Verdict.PASSED),
        len(result.cases),
        result.language,
    )


def _told(case: CaseResult, result: CheckResult) -> str:
    lines = text.case_lines(case, result.replay)[1:]
    return "\n".join(lines).strip("\n")
