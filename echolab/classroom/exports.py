"""Results in the formats of other programs: CSV, JUnit XML, Gradescope, Artemis.

The files for Moodle are in `echolab.classroom.moodle`.

Each function turns results into text and does no I/O. The fields are the published ones: for JUnit
XML Jenkins' junit-10.xsd; for Gradescope its autograder documentation, section "Output format"; for
Artemis the custom feedback of its programming exercises (one JSON file for each feedback: name,
successful, message).
"""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Sequence

from echolab import sayings
from echolab.classroom import text
from echolab.classroom.graded_submission import NOT_GRADED, Graded
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.language import translate as _

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (section 2.2, Char)."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet treats a cell that begins with one of these as a formula."""


HEADINGS = ("student", "name", "number", "late", "exercise", "language", "seed")

COUNTS = ("passed", "failed", "not judged", "of")


def to_csv(graded: Iterable[Graded], cases: Sequence[str]) -> Iterator[str]:
    """A line of headings, and one for each student: counts, verdicts, remarks (RFC 4180).

    `cases` are the headings of the cases.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow([*HEADINGS, *COUNTS, *cases, "remarks"])
    for one in graded:
        yield _taken(output)
        writer.writerow([_cell(str(value)) for value in _row(one, len(cases))])
    yield _taken(output)


def _taken(output: io.StringIO) -> str:
    """What has been written since the last call."""
    text = output.getvalue()
    output.seek(0)
    output.truncate()
    return text


def _row(one: Graded, cases: int) -> list[object]:
    who, result = one.handed_in, one.result
    row: list[object] = [who.label, who.name, who.number, "late" if who.late else ""]
    if result is None:
        row += ["", "", "", *[""] * len(COUNTS), *[NOT_GRADED] * cases]
    else:
        counts = [result.count(verdict) for verdict in Verdict]
        row += [result.exercise, result.language, result.seed, *counts, len(result.cases)]
        row += [case.verdict.value for case in result.cases]
    return [*row, "; ".join(one.remarks)]


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def to_junit(graded: Iterable[Graded], cases: Sequence[str]) -> Iterator[str]:
    """One test suite for each student, one test case for each case; "not judged" is an error, not a
    failure, and a student who has not been graded is skipped. `cases` are the cases' names.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    for one in graded:
        suite = _junit_suite(one, cases)
        ElementTree.indent(suite, level=1)
        yield f"  {ElementTree.tostring(suite, encoding='unicode').rstrip()}\n"
    yield "</testsuites>\n"


def _junit_suite(one: Graded, cases: Sequence[str]) -> ElementTree.Element:
    result = one.result
    suite = ElementTree.Element(
        "testsuite",
        name=_xml(one.label),
        tests=str(len(cases)),
        failures=str(result.count(Verdict.FAILED) if result else 0),
        errors=str(result.count(Verdict.NOT_JUDGED) if result else 0),
        skipped=str(0 if result else len(cases)),
    )
    if result is None:
        for name in cases:
            _add_skipped(suite, one.label, name)
        return suite
    for case in result.cases:
        _add_junit_case(suite, result, case)
    return suite


def _add_skipped(suite: ElementTree.Element, label: str, case: str) -> None:
    element = ElementTree.SubElement(suite, "testcase", name=_xml(case), classname=_xml(label))
    ElementTree.SubElement(element, "skipped")


def _add_junit_case(suite: ElementTree.Element, result: CheckResult, case: CaseResult) -> None:
    element = ElementTree.SubElement(
        suite,
        "testcase",
        name=_xml(f"{case.number} {case.name}"),
        classname=_xml(f"{result.exercise}.{result.submission}"),
    )
    if case.verdict == Verdict.PASSED:
        return
    kind = "failure" if case.verdict == Verdict.FAILED else "error"
    problem = ElementTree.SubElement(
        element, kind, message=_xml(message(case)), type=case.verdict.value.replace(" ", "-")
    )
    problem.text = _xml("\n".join(text.case_lines(case, result.replay)))


def _xml(value: str) -> str:
    return NOT_XML.sub("�", value)


def message(case: CaseResult) -> str:
    """The result of a case in one line, in English: machines compare it."""
    if case.verdict == Verdict.PASSED:
        return case.title
    if case.verdict == Verdict.NOT_JUDGED:
        return f"not judged: {case.reason}"
    return f"{case.expectation}: expected {case.expected}, seen {case.seen}"


def to_gradescope(result: CheckResult, *, complete: bool = True) -> str:
    """One student's results.json; a case that was not judged counts for nothing.

    If the check is not complete, such a case counts as failed: it has not been reached.
    """
    tests = [_gradescope_test(case, complete=complete) for case in result.cases]
    document = {
        "score": _points(result, len(tests), complete=complete),
        "output": text.summary(result),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"exercise": result.exercise, "seed": result.seed},
        "tests": tests,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _gradescope_test(case: CaseResult, *, complete: bool) -> dict[str, str | float]:
    counts = not complete or case.verdict != Verdict.NOT_JUDGED
    return {
        "name": case.name,
        "number": str(case.number),
        "score": 1.0 if case.verdict == Verdict.PASSED else 0.0,
        "max_score": 1.0 if counts else 0.0,
        "status": "passed" if case.verdict == Verdict.PASSED else "failed",
        "output": "\n".join(text.case_lines(case, ())),
        "output_format": "text",
        "visibility": "visible",
    }


def _points(result: CheckResult, most: float, *, complete: bool) -> float:
    """The points of a result out of `most`: of the judged cases, or of all if not complete."""
    passed, failed = map(result.count, (Verdict.PASSED, Verdict.FAILED))
    counted = passed + failed if complete else len(result.cases)
    return round(most * passed / counted, 2) if counted else 0.0


def vpl_comments(cases: Sequence[CaseResult]) -> list[str]:
    """The comments of a Virtual Programming Lab on these cases.

    Each line of text begins with `>`, so that nothing that a program wrote can be taken for the end
    of the comment, or for a grade.
    """
    lines: list[str] = []
    for case in cases:
        head, *rest = text.case_lines(case, ())
        shown = "\n".join(rest).splitlines()
        lines += ["<|--", f"- {head}", *(f">{line}" for line in shown), "--|>"]
    return lines


def vpl_grade(result: CheckResult, most: float, *, complete: bool) -> str:
    """The line that tells a Virtual Programming Lab the grade; the last one counts."""
    return f"Grade :=>> {_points(result, most, complete=complete):g}"


def to_artemis(result: CheckResult) -> dict[str, str]:
    """The custom feedback files of one student: each file's name and its JSON."""
    return {
        f"{case.number:02}-{case.name}.json": json.dumps(
            {
                "name": f"{case.number:02}-{case.name}",
                "successful": case.verdict == Verdict.PASSED,
                "message": _feedback(case),
            },
            ensure_ascii=False,
        )
        + "\n"
        for case in result.cases
    }


def _feedback(case: CaseResult) -> str:
    """The result of a case in one line, in the student's language."""
    if case.verdict == Verdict.PASSED:
        return _(case.title)
    if case.verdict == Verdict.NOT_JUDGED:
        return f"{_(case.verdict.value)}: {sayings.error(case.reason)}"
    return f"{sayings.of_case(case.expectation)}: {text.in_short(case)}"


def to_table(graded: Iterable[Graded]) -> str:
    """All students as a table for a terminal: a mark for each case."""
    rows = [(_("student"), _("cases"), _("passed"), _("language"), _("remarks"))]
    for one in graded:
        remarks = "; ".join([_("late")] * one.handed_in.late + [*one.remarks])
        result = one.result
        if result is None:
            rows.append((one.label, "", _(NOT_GRADED), "", remarks))
            continue
        marks = "".join(text.MARKS[case.verdict] for case in result.cases)
        passed = f"{result.count(Verdict.PASSED)}/{len(result.cases)}"
        rows.append((one.label, marks, passed, result.language, remarks))
    if not any(row[-1] for row in rows[1:]):
        rows = [(*row[:-1], "") for row in rows]
    return "\n".join(text.table(rows)) + "\n"
