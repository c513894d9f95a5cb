"""A check where a learning platform runs it: some results are there from the start.

Strategy: a platform ends a check that takes too long, and takes the results that it finds. So they
are written before anything is performed, with no case reached, and again whenever a case has ended.
Cases are performed in a guest that leaves each answer in a folder of its own; meanwhile the folders
are checked about once a second. A case that was not reached counts as failed there: otherwise a
slow submission would be judged by its first case alone.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from echolab.classroom import check, exports, text
from echolab.classroom.case_runs import Performed
from echolab.classroom.check import CheckRequest
from echolab.classroom.graded_submission import Graded
from echolab.classroom.staging import HandedIn
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.engines import job_files
from echolab.engines.job_files import ANSWER
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.runs.folders import write
from echolab.settings import Settings

LABEL = "submission"
"""The name of a submission on a platform, which knows whose it is."""

NOT_REACHED = "the check was ended before this case; hand in again, or ask your lecturer"


class Target(enum.StrEnum):
    """A platform for which results are written, and packs are made."""

    GRADESCOPE = "gradescope"
    ARTEMIS = "artemis"
    VPL = "moodle-vpl"


@dataclasses.dataclass(frozen=True)
class Order:
    """What to check, for which platform, where its results go, and what all cases are worth."""

    request: CheckRequest
    target: Target
    out: Path
    points: float = 100.0


def perform(order: Order, settings: Settings, say: Callable[[str], None]) -> CheckResult:
    """Check the submission, and write what the platform reads whenever it changes.

    `say` receives what goes to standard output, which the lecturer sees; on a Virtual Programming
    Lab, the results go there. Raises CannotRun if they cannot be written.
    """
    request = dataclasses.replace(order.request, label=LABEL, replay=())
    telling = _Telling(order, request, settings, say)
    telling.begin()
    try:
        result = check.check(request, settings, telling.look)
    except BadInput as error:
        result = check.refused(request, error)
    except EcholabError as error:
        result = check.broken(request, error)
    telling.end(result)
    return result


class _Telling:
    """What has been written so far, and what there is to write."""

    def __init__(
        self, order: Order, request: CheckRequest, settings: Settings, say: Callable[[str], None]
    ) -> None:
        self._order = order
        self._request = request
        self._checks = settings.cache / "checks"
        self._say = say
        self._cases = {
            number: CaseResult(
                number, case.name, case.title, Verdict.NOT_JUDGED, reason=NOT_REACHED
            )
            for number, case in request.cases()
        }
        self._told: set[int] = set()

    def begin(self) -> None:
        """Write that no case has been reached."""
        self._write(self._partial(), complete=False)

    def look(self, line: str) -> None:
        """Write the cases that have ended since the last call; called about once a second."""
        new = dict(self._new())
        if new:
            self._cases |= new
            self._write(self._partial(), complete=False)

    def end(self, result: CheckResult) -> None:
        """Write the result of all cases."""
        self._write(result, complete=True)
        if self._order.target != Target.VPL:
            self._say(text.check_text(result).rstrip())

    def _partial(self) -> CheckResult:
        request = self._request
        cases = tuple(self._cases.values())
        return CheckResult(request.exercise.name, LABEL, request.seed, "unknown", cases)

    def _new(self) -> Iterator[tuple[int, CaseResult]]:
        """The results of the cases that have ended since the last call."""
        cases = dict(self._request.cases())
        numbers = list(cases)
        for path in self._checks.glob(f"{os.getpid()}-*/guest-*/*/{ANSWER}"):
            place = _place(path)
            if place is None or place >= len(numbers):
                continue
            number = numbers[place]
            if self._cases[number].reason != NOT_REACHED:
                continue
            try:
                record = job_files.read_answer(path).record
            except (OSError, EcholabError):
                continue
            if record is not None:
                told = check.result(cases[number], number, Performed(path.parent, record))
                more = len(cases[number].runs(self._request.seed)) > 1
                if not more or told.verdict == Verdict.FAILED:
                    yield number, told

    def _write(self, result: CheckResult, *, complete: bool) -> None:
        if self._order.target == Target.VPL:
            self._print(result, complete=complete)
            return
        name, document = document_of(self._order.target, result, complete=complete)
        try:
            self._order.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotRun(
                f"cannot make {self._order.out}: {error.strerror}", "give another --out"
            ) from None
        write(self._order.out / name, document)

    def _print(self, result: CheckResult, *, complete: bool) -> None:
        """Print what is new: each case once, when it has passed or all have ended."""
        ready = [
            case
            for case in result.cases
            if case.number not in self._told and (complete or case.verdict == Verdict.PASSED)
        ]
        self._told |= {case.number for case in ready}
        lines = exports.vpl_comments(ready)
        if ready or not complete:
            lines.append(exports.vpl_grade(result, self._order.points, complete=complete))
        self._say("\n".join(lines))


def _place(path: Path) -> int | None:
    """The place among all cases of an answer in `guest-FIRST/NUMBER`."""
    first = path.parent.parent.name.removeprefix("guest-")
    number = path.parent.name
    return int(first) + int(number) if first.isdecimal() and number.isdecimal() else None


def document_of(target: Target, result: CheckResult, *, complete: bool) -> tuple[str, str]:
    """The name and the content of the file that a platform reads."""
    if target == Target.GRADESCOPE:
        return "results.json", exports.to_gradescope(result, complete=complete)
    names: Sequence[str] = [f"{case.number} {case.name}" for case in result.cases]
    graded = Graded(HandedIn(LABEL, Path()), result)
    return "results.xml", "".join(exports.to_junit([graded], names))
