"""From the record of a case to its result: a pure function of the record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from echolab.classroom.case import Case
from echolab.classroom.testbed import ENDING, NOTED, OUTCOME, STEP
from echolab.classroom.verdict import CaseResult, Step, Verdict
from echolab.judge import read_back
from echolab.record import PASS, Record

LONGEST_WORDS = 1500
"""Characters of a program's standard error that are shown, from the end."""


def case_result(case: Case, number: int, record: Record) -> CaseResult:
    """The result that a case's record tells.

    The verdict is what the checker's own process claimed; nothing that the submission
    printed, and no exit status of its, is read as one. Where a link was not as the case
    asked for, nothing is judged.
    """
    claims = record["claims"]
    outcome = next((claim for claim in claims if claim["step"] == OUTCOME), None)
    base = CaseResult(
        number,
        case.name,
        case.title,
        Verdict.NOT_JUDGED,
        question=case.question,
        noted={claim["text"]: str(claim["seen"]) for claim in claims if claim["step"] == NOTED},
    )
    if outcome is None:
        return dataclasses.replace(base, reason="the case ended without a result")
    links = read_back(record)
    if links.verdict != PASS:
        return dataclasses.replace(base, reason=links.why)
    if outcome["holds"]:
        return dataclasses.replace(base, verdict=Verdict.PASSED)
    return dataclasses.replace(
        base,
        verdict=Verdict.FAILED,
        steps=tuple(
            Step(claim["seen"], claim["text"]) for claim in claims if claim["step"] == STEP
        ),
        expectation=outcome["text"],
        expected=str(outcome["theory"]),
        seen=str(outcome["seen"]),
        why=outcome["why"],
        endings=tuple(claim["text"] for claim in claims if claim["step"] == ENDING),
        output=last_words(record),
    )


def last_words(record: Mapping[str, Any]) -> str:
    """What the submission's programs said on standard error, the end of it."""
    said = [program["stderr"].strip() for program in record.get("programs", ())]
    text = "\n".join(words for words in said if words)
    return printable(text[-LONGEST_WORDS:])


def printable(text: str) -> str:
    """The text without control characters, which a terminal might obey."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def failed(case: Case, number: int, expectation: str, expected: str, seen: str) -> CaseResult:
    """The result of a case that the submission failed without getting into it."""
    return CaseResult(
        number,
        case.name,
        case.title,
        Verdict.FAILED,
        question=case.question,
        expectation=expectation,
        expected=expected,
        seen=printable(seen),
    )


def not_judged(case: Case, number: int, reason: str) -> CaseResult:
    """The result of a case that broke down on our side."""
    return CaseResult(number, case.name, case.title, Verdict.NOT_JUDGED, reason=reason)
