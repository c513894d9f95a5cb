"""What passes between an engine and the process that performs its job: three files.

`request.json` goes in; `guest.json` comes out, with a record or an error; `programs.log` says
meanwhile which programs start and end (see `echolab.guest`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from echolab.engines.activity import program
from echolab.errors import BadInput, CannotRun, EcholabError, ScriptError
from echolab.job import Job
from echolab.record import Record
from echolab.record.format import load, plain, read

REQUEST = "request.json"
ANSWER = "guest.json"
PROGRAMS = "programs.log"

CALLS = "calls-"
"""How the names of files begin that explain why a run hung; a program's number follows."""

ERRORS: Mapping[str, type[EcholabError]] = {"BadInput": BadInput, "CannotRun": CannotRun}


@dataclasses.dataclass(frozen=True)
class Request:
    """What the other process must perform: one `job`, or several `jobs` one after another.

    `again` holds one job for each of `jobs`. At the end, up to `most` of them are performed:
    those whose counterpart made a claim that does not hold. Where `explained`, strace(1) writes
    what each program of `job` asks its kernel for to a file (`CALLS`).
    """

    job: Job | None = None
    jobs: tuple[Job, ...] = ()
    again: tuple[Job, ...] = ()
    most: int = 0
    explained: bool = False


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a lab that stays is asked for: to perform a job, or to `hold` its network up.

    The captures go to `folder`, an existing folder in the run's own.
    """

    job: Job
    folder: str
    hold: bool = False


@dataclasses.dataclass(frozen=True)
class Failure:
    """The error that ended a job; `trace` holds the user's lines, or the engine's own.

    `printed` is what the scenario's script had printed by then.
    """

    kind: str
    message: str
    remedy: str
    trace: str = ""
    printed: str = ""

    def error(self) -> EcholabError:
        """The same as an error that can be raised."""
        made: EcholabError
        if self.kind == "ScriptError":
            made = ScriptError(self.message, self.remedy, self.trace)
        else:
            made = ERRORS.get(self.kind, CannotRun)(self.message, self.remedy)
        made.printed = self.printed
        return made


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the other process leaves: a record, or the failure that ended the job.

    Several jobs leave neither: each of them has an answer of its own.
    """

    record: Record | None = None
    error: Failure | None = None


def read_request(path: Path) -> Request:
    """The request in a file. Raises OSError, or BadInput if it is not valid."""
    return read(Request, load(path.read_bytes(), str(path)), str(path))


def read_answer(path: Path) -> Answer:
    """The answer in a file. Raises OSError, or BadInput if it is not valid."""
    return read(Answer, load(path.read_bytes(), str(path)), str(path))


def record(answer: Answer) -> Record:
    """The record in an answer. Raises the error if the answer holds one instead."""
    if answer.error is not None:
        raise answer.error.error()
    if answer.record is None:
        raise CannotRun("the lab ended without a record", "run it again")
    return answer.record


def text(message: Request | Asked | Answer) -> str:
    """A request or an answer as text."""
    return json.dumps(plain(message))


def doing(log: Path, scenario: str) -> str:
    """What goes on now, in one line, according to the log of programs."""
    with contextlib.suppress(OSError, ValueError, IndexError, KeyError):
        last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
        if last["event"] == "start":
            return f"{scenario}: {last['host']} runs {program(last['argv'])}"
    return f"{scenario}: the lab runs"


def write(path: Path, text: str) -> None:
    """Write a file of the run's folder. Raises CannotRun if that fails."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise CannotRun(
            f"{path} cannot be written: {failure.strerror}", "choose another folder with --out"
        ) from failure
