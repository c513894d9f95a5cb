"""Moodle takes back its grading worksheet, filled in and otherwise as it was."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pytest

from echolab.classroom import moodle
from echolab.classroom.graded_submission import Graded
from echolab.classroom.staging import HandedIn
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.errors import BadInput

ENGLISH = (
    "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\r\n"
    'Participant 4711,"Lovelace, Ada",ada@example.org,Submitted,,20.00,Yes,"May 1, 9:00",-,\r\n'
    "Participant 4712,Grace Hopper,grace@example.org,No submission,,20.00,Yes,-,-,kept\r\n"
)

GERMAN = (
    "ID;Vollständiger Name;Bewertung;Bestwertung;Zuletzt geändert (Bewertung);"
    "Feedback als Kommentar\r\nTeilnehmer/in4711;Ada Lovelace;;7,00;-;\r\n"
)


def graded(number: str, *verdicts: Verdict) -> Graded:
    cases = tuple(CaseResult(n, f"case-{n}", "x", v) for n, v in enumerate(verdicts, 1))
    result = CheckResult("01-x", f"Ada_{number}", 1, "Python", cases)
    who = HandedIn(f"Ada Lovelace_{number}", Path(), "Ada Lovelace", number)
    return Graded(who, result)


PASSED, FAILED, NOT_JUDGED = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_JUDGED


def rows(document: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(document, newline=""), delimiter=separator))


def test_a_worksheet_gets_grades_of_its_own_scale_and_keeps_the_rest() -> None:
    ada = graded("4711", PASSED, PASSED, PASSED, FAILED)
    document, missing = moodle.filled_in(ENGLISH, {"4711": ada})
    before, after = rows(ENGLISH.removeprefix("\ufeff")), rows(document)
    assert missing == ()
    assert after[1][4] == "15.00"
    assert after[1][9] == "3 of 4 cases passed, 1 failed"
    assert [row[:4] + row[5:9] for row in after] == [row[:4] + row[5:9] for row in before]
    assert after[2] == before[2]


def test_a_german_worksheet_keeps_its_comma_and_its_separator() -> None:
    document, _ = moodle.filled_in(GERMAN, {"4711": graded("4711", PASSED, FAILED)})
    assert rows(document, ";")[1][2] == "3,50"


def test_who_has_no_row_is_told() -> None:
    _, missing = moodle.filled_in(ENGLISH, {"9": graded("9", PASSED)})
    assert missing == ("Ada Lovelace_9",)


def test_a_case_that_was_not_judged_costs_nobody_a_point() -> None:
    assert graded("1", PASSED, NOT_JUDGED).share() == 1.0
    assert graded("1", PASSED, FAILED, NOT_JUDGED).share() == 0.5


def test_who_was_not_judged_at_all_gets_no_grade() -> None:
    document, _ = moodle.filled_in(ENGLISH, {"4711": graded("4711", NOT_JUDGED)})
    assert rows(document)[1][4] == ""
    assert len(rows(moodle.worksheet([graded("4711", NOT_JUDGED)]))) == 1


def test_a_worksheet_that_is_made_has_what_moodle_looks_for() -> None:
    ungraded = dataclasses.replace(graded("2"), result=None)
    table = rows(moodle.worksheet([graded("4711", PASSED, FAILED), ungraded]))
    assert len(table) == 2
    row = dict(zip(table[0], table[1], strict=True))
    assert row["Identifier"] == "Participant 4711" and row["Grade"] == "50.00"
    assert "Last modified (grade)" in row


@pytest.mark.parametrize("sheet", ["", "name,points\r\nada,1\r\n"])
def test_what_is_not_a_grading_worksheet_is_refused(sheet: str) -> None:
    with pytest.raises(BadInput, match="worksheet"):
        moodle.filled_in(sheet, {})
