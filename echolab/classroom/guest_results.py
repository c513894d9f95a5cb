"""What the classroom's own scenarios leave in their records, as values: a build, a visit."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from echolab.errors import BadInput, CannotRun
from echolab.record import Record
from echolab.record.format import read

T = TypeVar("T")

BUILD, VISIT = "build", "visit"
"""Subjects of the notes that the scenarios of `echolab/classroom/guest` write."""


@dataclasses.dataclass(frozen=True)
class Build:
    """The building of a submission: the status of the first command that failed, or 0.

    `output` is what the commands printed.
    """

    status: int
    output: str


@dataclasses.dataclass(frozen=True)
class TestProgramRun:
    """A visit of a student's test program to one exhibit; `status` is None if it was killed."""

    __test__ = False  # pytest collects what is called Test

    status: int | None


def build(record: Record) -> Build:
    """The result of a build. Raises CannotRun if its record does not hold one."""
    return _read(Build, record, BUILD)


def visit(record: Record) -> TestProgramRun:
    """What a test program said. Raises CannotRun if its record does not hold it."""
    return _read(TestProgramRun, record, VISIT)


def _read(kind: type[T], record: Record, subject: str) -> T:
    value = next((note.value for note in record.notes if note.subject == subject), None)
    try:
        return read(kind, value, f"the note of the {subject}")
    except BadInput as error:
        raise CannotRun(error.message, "report it") from None
