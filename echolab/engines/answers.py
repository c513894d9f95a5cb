"""What passes between an engine and the process that performs its job: three file names.

`request.json` goes in; `guest.json` comes out, a record or an error; `programs.log` tells
meanwhile which programs start and end (see `echolab.engines.guest`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from echolab.errors import BadInput, CannotRun, EcholabError, ScriptError

REQUEST = "request.json"
ANSWER = "guest.json"
PROGRAMS = "programs.log"

ERRORS: Mapping[str, type[EcholabError]] = {"BadInput": BadInput, "CannotRun": CannotRun}


def error(said: Mapping[str, str]) -> EcholabError:
    """The error that an answer tells of."""
    if said["kind"] == "ScriptError":
        return ScriptError(said["message"], said["remedy"], said["trace"])
    return ERRORS.get(said["kind"], CannotRun)(said["message"], said["remedy"])


def doing(log: Path, engine: str) -> str:
    """What goes on now, in one line, as the log of programs tells."""
    with contextlib.suppress(OSError, ValueError, IndexError, KeyError):
        last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
        if last["event"] == "start":
            return f"{engine}: {last['host']} runs {' '.join(last['argv'])}"
    return f"{engine}: the lab runs"


def write(path: Path, text: str) -> None:
    """Write a file of the run's folder. Raises CannotRun where that fails."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise CannotRun(
            f"{path} cannot be written: {failure.strerror}", "choose another folder with --out"
        ) from failure
