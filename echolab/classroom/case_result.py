"""From the record of a case to its result: a pure function of the record."""

from __future__ import annotations

import dataclasses

from echolab.classroom.case import Case
from echolab.classroom.testbed import ENDING, NOTED, OUTCOME, QUESTION, STEP
from echolab.classroom.verdict import CaseResult, Step, Verdict
from echolab.judge.verdicts import read_back
from echolab.record import PASS, Claim, Record

LONGEST_WORDS = 1500
"""How many characters of a program's standard error are shown, from the end."""


def case_result(case: Case, number: int, record: Record) -> CaseResult:
    """The result that a case's record tells.

    The verdict is the checker's own claim. Neither the submission's output nor its exit status
    counts as a verdict. If a link was not what the case asked for, nothing is judged.
    """
    ended = outcome(record)
    base = CaseResult(
        number,
        case.name,
        case.title,
        Verdict.NOT_JUDGED,
        question=case.question,
        noted={note.text: str(note.value) for note in record.notes if note.subject == NOTED},
        explored=bool(case.schedules or case.draws),
    )
    if ended is None:
        return dataclasses.replace(base, reason="the case ended without a result")
    links = read_back(record)
    if links.verdict != PASS:
        return dataclasses.replace(base, reason=links.why)
    if ended.holds:
        return dataclasses.replace(base, verdict=Verdict.PASSED)
    return dataclasses.replace(
        base,
        verdict=Verdict.FAILED,
        steps=steps(record),
        expectation=ended.text,
        expected=str(ended.theory),
        seen=str(ended.seen),
        why=ended.reason,
        question=next(
            (note.text for note in record.notes if note.subject == QUESTION), case.question
        ),
        endings=tuple(note.text for note in record.notes if note.subject == ENDING),
        output=last_words(record),
        schedule=tuple(map(str, record.schedule)),
    )


def outcome(record: Record) -> Claim | None:
    """The claim that says how a case ended; None if it did not get that far."""
    return next((claim for claim in record.claims if claim.step == OUTCOME), None)


def steps(record: Record) -> tuple[Step, ...]:
    """What a case did and saw."""
    return tuple(
        Step(round(note.at, 6), note.text) for note in record.notes if note.subject == STEP
    )


def last_words(record: Record) -> str:
    """The end of what the submission's programs wrote to standard error."""
    said = [program.stderr.strip() for program in record.programs]
    text = "\n".join(words for words in said if words)
    return printable(text[-LONGEST_WORDS:])


def printable(text: str) -> str:
    """The text without control characters, which a terminal might obey."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def failed(case: Case, number: int, expectation: str, expected: str, seen: str) -> CaseResult:
    """The result of a case that the submission failed before the case began.

    The case's own question would not fit.
    """
    return CaseResult(
        number,
        case.name,
        case.title,
        Verdict.FAILED,
        expectation=expectation,
        expected=expected,
        seen=printable(seen),
    )


def not_judged(case: Case, number: int, reason: str) -> CaseResult:
    """The result of a case that broke down on our side."""
    return CaseResult(number, case.name, case.title, Verdict.NOT_JUDGED, reason=reason)
