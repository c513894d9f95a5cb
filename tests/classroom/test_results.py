"""Results as values, as text and in the formats of others."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab import language
from echolab.classroom import (
    case_result,
    exports,
    formatting,
    graded_submission,
    pages,
    text,
    verdict,
)
from echolab.classroom.case import Case
from echolab.classroom.graded_submission import Graded, Kept
from echolab.classroom.staging import HandedIn
from echolab.classroom.verdict import CaseResult, CheckResult, Step, Verdict
from echolab.errors import ExitStatus
from echolab.record import Claim, Note, ProgramRun, Record, TcCommand
from tests.records import BARE

QUESTION = "What does recv promise?"

PASSED = CaseResult(1, "whole", "it comes whole", Verdict.PASSED, noted={"trips": "2"})
FAILED = CaseResult(
    2,
    "pieces",
    "it comes in pieces",
    Verdict.FAILED,
    QUESTION,
    steps=(Step(0.0004, "server accepted a connection"),),
    expectation="the server receives",
    expected="b'whole'",
    seen="b'wh'",
    endings=("on client: it was still running",),
    timeline=("0.033 ms  client  connect(3)",),
)
BROKEN = CaseResult(3, "late", "it comes late", Verdict.NOT_JUDGED, reason="the disk is full")


def result(*cases: CaseResult, student: str = "ada") -> CheckResult:
    return CheckResult(
        "01-x",
        student,
        7,
        "Python",
        cases,
        predictions=verdict.predictions({"trips": "3"}, cases, ("trips", "seconds")),
        replay=("./lab", "check", "01-x", student, "--seed", "7"),
    )


ALL = result(PASSED, FAILED, BROKEN)

NAMES = ("1 whole", "2 pieces", "3 late")


def of(*results: CheckResult) -> list[Graded]:
    return [Graded(HandedIn(one.submission, Path(one.submission)), one) for one in results]


def junit(*results: CheckResult) -> ElementTree.Element:
    return ElementTree.fromstring("".join(exports.to_junit(of(*results), NAMES)))


def table(*results: CheckResult) -> list[list[str]]:
    written = "".join(exports.to_csv(of(*results), NAMES))
    return list(csv.reader(io.StringIO(written, newline="")))


texts = st.text(max_size=60)


# --- values


@pytest.mark.parametrize(
    ("cases", "status"),
    [
        ((PASSED,), ExitStatus.PASS),
        ((PASSED, FAILED, BROKEN), ExitStatus.FAIL),
        ((PASSED, BROKEN), ExitStatus.CANNOT),
    ],
)
def test_a_failure_outweighs_what_was_not_judged(
    cases: tuple[CaseResult, ...], status: ExitStatus
) -> None:
    assert result(*cases).status == status


def test_predictions_stand_beside_what_happened_and_what_did_not() -> None:
    trips, seconds = ALL.predictions
    assert (trips.predicted, trips.happened) == ("3", "2")
    assert (seconds.predicted, seconds.happened) == ("", None)


def test_predictions_are_read_with_comments_and_blanks() -> None:
    read = verdict.read_predictions("# a comment\n trips:  two  or three # maybe\nseconds:\nx\n")
    assert read == {"trips": "two or three", "seconds": ""}


@given(texts)
def test_any_text_is_read_as_predictions(written: str) -> None:
    for name, answer in verdict.read_predictions(written).items():
        assert name and "\n" not in answer


# --- from a record


def record(
    *claims: Claim, notes: Sequence[Note] = (), commands: Sequence[TcCommand] = (), stderr: str = ""
) -> Record:
    program = ProgramRun("client", ("main",), 0, "6 of 6 passed", stderr, 0.0, 1.0)
    return dataclasses.replace(
        BARE,
        scenario="pieces",
        claims=claims,
        notes=tuple(notes),
        commands=tuple(commands),
        programs=(program,),
    )


CASE = Case("pieces", "in pieces", ("one-recv",), QUESTION)


def outcome(text: str, holds: bool) -> Claim:
    return Claim("holds", text, seen=0, holds=holds, step="outcome")


def test_a_record_without_an_outcome_is_not_judged() -> None:
    told = case_result.case_result(CASE, 2, record(notes=[Note(0.5, "step", "started")]))
    assert told.verdict == Verdict.NOT_JUDGED


@pytest.mark.parametrize("holds", [True, False])
def test_a_link_that_is_not_as_the_case_asked_for_leaves_it_unjudged(holds: bool) -> None:
    command = TcCommand(0.1, "server", ("tc",), differs=("loss is 0.08, not 0.1",))
    shaped = record(outcome("it works", holds), commands=[command])
    told = case_result.case_result(CASE, 2, shaped)
    assert (told.verdict, told.reason) == (Verdict.NOT_JUDGED, "server: loss is 0.08, not 0.1")


def test_what_the_program_printed_is_not_an_outcome() -> None:
    told = case_result.case_result(CASE, 2, record(outcome("no", False), stderr="passed"))
    assert told.verdict == Verdict.FAILED


def test_control_characters_of_a_program_do_not_reach_a_terminal() -> None:
    told = case_result.case_result(CASE, 2, record(outcome("no", False), stderr="\x1b[2Jx"))
    assert "\x1b" not in told.output


# --- text


def test_a_failure_shows_all_that_helps_and_how_to_see_it_again() -> None:
    shown_text = text.check_text(ALL)
    for part in (
        "server accepted a connection",
        "expected: b'whole'",
        "seen:     b'wh'",
        "program:  on client: it was still running",
        "0.033 ms  client  connect(3)",
        f"think about: {QUESTION}",
        "again: ./lab check 01-x ada --seed 7 --case 2",
        "not judged, and not your fault: the disk is full",
        "1 of 3 cases passed, 1 failed, 1 not judged",
    ):
        assert part in shown_text


def test_the_summary_is_first_and_only_the_first_failed_case_is_whole() -> None:
    second = dataclasses.replace(FAILED, number=4, name="later")
    shown_text = text.check_text(result(PASSED, FAILED, second), everything=False)
    assert shown_text.splitlines()[1] == "1 of 3 cases passed, 2 failed"
    assert shown_text.count("think about:") == 1
    (folded,) = [line for line in shown_text.splitlines() if " 4 later: " in line]
    assert folded.endswith("expected b'whole', seen b'wh'")
    assert "--all tells every failed case whole" in shown_text
    assert text.check_text(result(PASSED, FAILED, second)).count("think about:") == 2


def test_a_program_that_is_not_built_is_told_once() -> None:
    cases = [
        case_result.failed(CASE, number, "the program is built", "a program", "main.c:1: error")
        for number in (1, 2, 3)
    ]
    assert text.check_text(result(*cases)).count("main.c:1: error") == 1


def test_the_same_result_is_the_same_text() -> None:
    assert text.check_text(ALL) == text.check_text(result(PASSED, FAILED, BROKEN))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_bytes_that_differ_are_shown_differently(one: bytes, other: bytes) -> None:
    if one != other:
        expected, seen = formatting.difference(one, other)
        assert expected != seen


# --- JUnit XML: the elements and attributes of Jenkins' junit-10.xsd

JUNIT = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "disabled", "errors"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log"},
    ),
    "testcase": ({"name"}, {"time", "classname", "group", "assertions", "status"}),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
}

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error"},
    "failure": set(),
    "error": set(),
}


def validate_junit(element: ElementTree.Element) -> None:
    needed, allowed = JUNIT[element.tag]
    assert needed <= set(element.attrib) <= needed | allowed
    for number in {"tests", "failures", "errors", "skipped"} & set(element.attrib):
        assert element.attrib[number].isdecimal()
    for child in element:
        assert child.tag in CHILDREN[element.tag]
        validate_junit(child)


def test_junit_has_the_fields_of_the_schema() -> None:
    root = junit(ALL, result(PASSED, student="bob"))
    validate_junit(root)
    suite = root[0]
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors")}
    assert counts == {"tests": "3", "failures": "1", "errors": "1"}
    assert [child.tag for case in suite for child in case] == ["failure", "error"]


@given(texts, texts)
def test_any_text_makes_well_formed_xml(student: str, seen: str) -> None:
    case = CaseResult(1, "x", "x", Verdict.FAILED, seen=seen)
    validate_junit(junit(result(case, student=student)))


# --- Gradescope: the fields of its documentation, "Output format"

GRADESCOPE_TOP = {
    "score",
    "execution_time",
    "output",
    "output_format",
    "test_output_format",
    "test_name_format",
    "visibility",
    "stdout_visibility",
    "extra_data",
    "tests",
    "leaderboard",
}

GRADESCOPE_TEST = {
    "score",
    "max_score",
    "status",
    "name",
    "name_format",
    "number",
    "output",
    "output_format",
    "tags",
    "visibility",
    "extra_data",
}

VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}


def test_gradescope_has_the_published_fields() -> None:
    document = json.loads(exports.to_gradescope(ALL))
    assert set(document) <= GRADESCOPE_TOP
    assert {document["visibility"], document["stdout_visibility"]} <= VISIBILITY
    for test in document["tests"]:
        assert set(test) <= GRADESCOPE_TEST
        assert {"score", "name"} <= set(test)
        assert isinstance(test["score"], float) and isinstance(test["max_score"], float)
        assert test["status"] in ("passed", "failed")
        assert test["visibility"] in VISIBILITY
        assert test["output_format"] in ("text", "html", "simple_format", "md", "ansi")


def test_a_case_that_was_not_judged_costs_nobody_a_point() -> None:
    tests = json.loads(exports.to_gradescope(ALL))["tests"]
    assert [(test["score"], test["max_score"]) for test in tests] == [(1, 1), (0, 1), (0, 0)]


# --- Artemis: custom feedback


def test_artemis_has_name_successful_and_message_in_one_file_per_case() -> None:
    files = exports.to_artemis(ALL)
    documents = [json.loads(document) for document in files.values()]
    assert len(files) == 3
    assert len({document["name"] for document in documents}) == 3
    for document in documents:
        assert set(document) == {"name", "successful", "message"}
        assert isinstance(document["successful"], bool)
        assert document["name"] and document["message"]


# --- CSV


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_csv_reads_back_one_line_per_student(students: list[str]) -> None:
    headings, *rows = table(*(result(PASSED, FAILED, BROKEN, student=name) for name in students))
    assert headings[0] == "student" and headings[-4:] == [*NAMES, "remarks"]
    for name, row in zip(students, rows, strict=True):
        assert row[0].removeprefix("'") == name.removeprefix("'") or row[0] == name
        found = dict(zip(headings, row, strict=True))
        assert [found[name] for name in exports.COUNTS] == ["1", "1", "1", "3"]
        assert [found[name] for name in NAMES] == ["passed", "failed", "not judged"]


def test_a_name_that_looks_like_a_formula_is_not_one_in_a_spreadsheet() -> None:
    assert table(result(PASSED, student="=cmd"))[1][0] == "'=cmd"


# --- German

TOLD = CaseResult(
    6,
    "errors",
    "the packets take their time, the reply comes whole and late",
    Verdict.FAILED,
    "What does recv promise about how much it returns?",
    steps=(Step(0.0004, "server sends over a link with delay 0.2 s"),),
    expectation="the program closes its connection to server",
    expected="the end of the stream within 2.5 s",
    seen="b'Wir' (3 bytes), then nothing more",
    endings=("on client: it ended with status 1",),
)


@pytest.fixture
def german() -> Iterator[None]:
    language.use("de")
    yield
    language.use("en")


def test_a_case_is_told_in_german_to_people(german: None) -> None:
    said = text.check_text(result(TOLD))
    for words in (
        "die Pakete lassen sich Zeit, die Antwort kommt vollständig und spät",
        "0,0004 s  server sendet über einen Link mit delay 0,2 s",
        "das Programm schließt seine Verbindung zu server",
        "das Ende des Streams innerhalb von 2,5 s",
        "b'Wir' (3 Byte), dann nichts weiter",
        "auf client: es endete mit Status 1",
        "Was verspricht recv darüber, wie viel es liefert?",
    ):
        assert words in said
        assert words in html.unescape(pages.student_page(result(TOLD))), words
    (row,) = pages.cases([result(TOLD)])
    assert row.title == "die Pakete lassen sich Zeit, die Antwort kommt vollständig und spät"
    (feedback,) = exports.to_artemis(result(TOLD)).values()
    assert "erwartet das Ende des Streams" in json.loads(feedback)["message"]


def test_what_machines_compare_is_the_same_in_every_language(german: None) -> None:
    spoken = exports.message(TOLD), graded_submission.dump(Kept("digest", result(TOLD)))
    language.use("en")
    assert spoken == (exports.message(TOLD), graded_submission.dump(Kept("digest", result(TOLD))))
