"""Results in the formats of others: CSV, JUnit XML, Gradescope, Artemis.

Each function turns results into text and does no I/O. The fields are those that are
published: Jenkins' junit-10.xsd for JUnit XML; for Gradescope its autograder
documentation, section "Output format"; for Artemis the custom feedback of its
programming exercises (one JSON file a feedback: name, successful, message).
"""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from echolab.classroom import text
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2, Char)."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would take for a formula."""


def to_csv(results: Sequence[CheckResult]) -> str:
    """One line a student: the counts, then the verdict of each case (RFC 4180)."""
    cases = results[0].cases if results else ()
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    heading = ["student", "exercise", "language", "seed", "passed", "failed", "not judged", "of"]
    writer.writerow([*heading, *(f"{case.number} {case.name}" for case in cases)])
    for result in results:
        counts = [result.count(verdict) for verdict in Verdict]
        writer.writerow(
            [
                *map(_cell, (result.submission, result.exercise, result.language)),
                result.seed,
                *counts,
                len(result.cases),
                *(case.verdict.value for case in result.cases),
            ]
        )
    return output.getvalue()


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def to_junit(results: Sequence[CheckResult]) -> str:
    """A test suite a student, a test case a case; not judged is an error, not a failure."""
    root = ElementTree.Element("testsuites")
    for result in results:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml(result.submission),
            tests=str(len(result.cases)),
            failures=str(result.count(Verdict.FAILED)),
            errors=str(result.count(Verdict.NOT_JUDGED)),
            skipped="0",
        )
        for case in result.cases:
            _add_junit_case(suite, result, case)
    ElementTree.indent(root)
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + ElementTree.tostring(root, encoding="unicode") + "\n"


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
    """The result of a case in one line."""
    if case.verdict == Verdict.PASSED:
        return case.title
    if case.verdict == Verdict.NOT_JUDGED:
        return f"not judged: {case.reason}"
    return f"{case.expectation}: expected {case.expected}, seen {case.seen}"


def to_gradescope(result: CheckResult) -> str:
    """One student's results.json; a case that was not judged counts for nothing."""
    tests = [
        {
            "name": case.name,
            "number": str(case.number),
            "score": 1.0 if case.verdict == Verdict.PASSED else 0.0,
            "max_score": 0.0 if case.verdict == Verdict.NOT_JUDGED else 1.0,
            "status": "passed" if case.verdict == Verdict.PASSED else "failed",
            "output": "\n".join(text.case_lines(case, ())),
            "output_format": "text",
            "visibility": "visible",
        }
        for case in result.cases
    ]
    document = {
        "output": text.summary(result),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"exercise": result.exercise, "seed": result.seed},
        "tests": tests,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_artemis(result: CheckResult) -> dict[str, str]:
    """The custom feedback files of one student: each file's name and its JSON."""
    return {
        f"{case.number:02}-{case.name}.json": json.dumps(
            {
                "name": f"{case.number:02}-{case.name}",
                "successful": case.verdict == Verdict.PASSED,
                "message": message(case),
            },
            ensure_ascii=False,
        )
        + "\n"
        for case in result.cases
    }


def to_table(results: Sequence[CheckResult]) -> str:
    """All students as a table for a terminal: a mark for each case."""
    rows = [("student", "cases", "passed", "language")]
    for result in results:
        marks = "".join(text.MARKS[case.verdict] for case in result.cases)
        passed = f"{result.count(Verdict.PASSED)}/{len(result.cases)}"
        rows.append((result.submission, marks, passed, result.language))
    return "\n".join(text.table(rows)) + "\n"
