"""One student's submission with its result, as a value, and as the file that keeps it."""

from __future__ import annotations

import dataclasses
import json
from typing import cast

from echolab.classroom.staging import HandedIn
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.errors import BadInput
from echolab.language import later
from echolab.record.schema import Mismatch, Schema, wrong

NOT_GRADED = later("not graded")
"""What takes the place of a verdict if grading was stopped before it."""


@dataclasses.dataclass(frozen=True)
class Graded:
    """What a student handed in, and the result; None if it has not been graded.

    `remarks` tell what no case judges: what was left out, and whose submission is the same.
    """

    handed_in: HandedIn
    result: CheckResult | None = None
    remarks: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What names the submission in reports."""
        return self.handed_in.label

    def share(self) -> float | None:
        """The share of the judged cases that passed; None if none was judged.

        A case that was not judged costs nobody a point.
        """
        if self.result is None:
            return None
        passed, failed = map(self.result.count, (Verdict.PASSED, Verdict.FAILED))
        return passed / (passed + failed) if passed + failed else None


@dataclasses.dataclass(frozen=True)
class Kept:
    """A result as it is kept, with the digest of everything that it depends on."""

    digest: str
    result: CheckResult


def _read_verdict(value: object) -> Verdict:
    try:
        return Verdict(str(value))
    except ValueError:
        raise wrong(" or ".join(Verdict), value) from None


SCHEMA = Schema({Verdict: _read_verdict}, {Verdict: str}, {})


def dump(kept: Kept) -> str:
    """The text of the file that keeps a result."""
    return json.dumps(SCHEMA.plain(kept), ensure_ascii=False, indent=1) + "\n"


def parse(text: str, where: str) -> Kept:
    """The result that `dump` wrote. Raises BadInput for any other text."""
    try:
        return cast(Kept, SCHEMA.reader(Kept)(json.loads(text)))
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}", "grade again") from None
    except Mismatch as mismatch:
        raise BadInput(mismatch.line(where), "grade again") from None
