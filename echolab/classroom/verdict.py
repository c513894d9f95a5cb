"""What a check found, as values: one result a case, one a submission. No I/O."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence

from echolab.errors import ExitStatus


class Verdict(enum.StrEnum):
    """Passed, failed, or not judged: then it was our fault, never the submission's."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that was done or seen, `at` lab seconds after the hosts were up."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True)
class CaseResult:
    """The result of one case.

    For a failed one: what was expected where, what was seen instead, the steps that had
    worked, what became of the programs (`endings`), what they said on standard error
    (`output`), and a `timeline` of the last system calls and packets. `noted` is what
    happened, by the names of predictions. `reason` tells why a case was not judged.
    """

    number: int
    name: str
    title: str
    verdict: Verdict
    question: str = ""
    steps: tuple[Step, ...] = ()
    expectation: str = ""
    expected: str = ""
    seen: str = ""
    why: str = ""
    endings: tuple[str, ...] = ()
    timeline: tuple[str, ...] = ()
    output: str = ""
    noted: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a student predicted under a name, and what happened; None where a case did not
    get so far.
    """

    name: str
    predicted: str
    happened: str | None


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """The result of one submission to one exercise. `of` is the number of all its cases.

    `replay` are the words of the command that checks it again.
    """

    exercise: str
    submission: str
    seed: int
    language: str
    cases: tuple[CaseResult, ...]
    predictions: tuple[Prediction, ...] = ()
    replay: tuple[str, ...] = ()

    def count(self, verdict: Verdict) -> int:
        """How many cases ended so."""
        return sum(case.verdict == verdict for case in self.cases)

    @property
    def status(self) -> ExitStatus:
        """0 where every case passed, 1 where one failed, 4 where one was not judged."""
        if self.count(Verdict.FAILED):
            return ExitStatus.FAIL
        return ExitStatus.CANNOT if self.count(Verdict.NOT_JUDGED) else ExitStatus.PASS


def predictions(
    written: Mapping[str, str], cases: Sequence[CaseResult], names: Sequence[str]
) -> tuple[Prediction, ...]:
    """Each prediction of the exercise beside what the cases noted."""
    noted: dict[str, str] = {}
    for case in cases:
        noted.update(case.noted)
    known = [*names, *(name for name in noted if name not in names)]
    return tuple(Prediction(name, written.get(name, ""), noted.get(name)) for name in known)


def read_predictions(text: str) -> dict[str, str]:
    """The answers in a predictions.txt: lines of NAME: ANSWER; # begins a comment."""
    answers = {}
    for line in text.splitlines():
        name, colon, answer = line.partition("#")[0].partition(":")
        if colon and name.strip():
            answers[name.strip()] = " ".join(answer.split())[:200]
    return answers
