"""What a check found, as values: one result per case, one per submission. No I/O."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence

from echolab.errors import ExitStatus
from echolab.language import later


class Verdict(enum.StrEnum):
    """Passed, failed, or not judged, which is never the submission's fault."""

    PASSED = later("passed")
    FAILED = later("failed")
    NOT_JUDGED = later("not judged")


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that was done or seen, `at` seconds of lab time after the hosts were up."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True)
class CaseResult:
    """The result of one case.

    A failed case has what was expected where, what was seen instead, the steps that had
    worked, how the programs ended (`endings`), what they wrote to standard error
    (`output`), and a `timeline` of the last system calls and packets. `noted` is what
    happened, by the names of predictions. `reason` says why a case was not judged. `schedule`
    are the faults that befell the hosts, `explored` whether there may be any.
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
    schedule: tuple[str, ...] = ()
    explored: bool = False


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a student predicted under a name, and what happened; None if no case got that
    far.
    """

    name: str
    predicted: str
    happened: str | None


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """The result of one submission to one exercise.

    `replay` is the argument vector of the command that checks it again. `tools` are the tools that
    built and ran it, each with its version. `starter` is the comment in the exercise's starter that
    says what to write, if the starter was handed in; empty otherwise.
    """

    exercise: str
    submission: str
    seed: int
    language: str
    cases: tuple[CaseResult, ...]
    predictions: tuple[Prediction, ...] = ()
    replay: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    starter: str = ""

    def count(self, verdict: Verdict) -> int:
        """How many cases have that verdict."""
        return sum(case.verdict == verdict for case in self.cases)

    @property
    def status(self) -> ExitStatus:
        """1 if a case failed, otherwise 4 if one was not judged, otherwise 0."""
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
