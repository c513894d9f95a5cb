"""The exercises: found by name, with their cases, hosts and predictions."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from echolab import resources
from echolab.classroom.case import MARK, Case
from echolab.classroom.verdict import read_predictions
from echolab.errors import BadInput, CannotRun
from echolab.runs import catalogue
from echolab.scenario.script import Scenario, load
from echolab.topology import Host, Topology

FOLDER = resources.EXERCISES

CHECK = "check.py"

TODO = re.compile(r"^\s+(?:#|//|/\*) ?(.+?)(?: ?\*/)?$", re.MULTILINE)
"""A comment alone on an indented line of a starter: what the student must write there."""

CALLED = "called.txt"
"""The file with the names that a program may have besides main."""

STANDARD_PAIR = Topology(
    (Host("server", idle=True), Host("client", idle=True)), file="the standard pair"
)
"""The hosts of an exercise without a Compose file; neither starts anything by itself."""


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise: its folder, its cases in order, its hosts, the names of its predictions.

    `called` is the name that a submission's program may have besides main ("server").
    """

    name: str
    folder: Path
    cases: tuple[Case, ...]
    topology: Topology
    predictions: tuple[str, ...]
    called: tuple[str, ...] = ()

    @property
    def check(self) -> Path:
        """The script that performs the cases."""
        return self.folder / CHECK

    def todo(self, submission: Path) -> str:
        """What a starter's comment says to write, if the submission is a starter; else empty."""
        for starter in sorted(self.folder.glob("starter-*/*")):
            handed_in = submission / starter.name if submission.is_dir() else submission
            if handed_in.is_file() and _words(handed_in) == _words(starter):
                found = TODO.findall(_text(starter))
                return " ".join(found[-1].split()) if found else ""
        return ""


def names() -> tuple[str, ...]:
    """The names of the exercises, in order."""
    found = sorted(path.parent.name for path in FOLDER.glob(f"[0-9]*/{CHECK}"))
    if not found:
        raise CannotRun(f"there are no exercises in {FOLDER}", "install echolab again")
    return tuple(found)


def find(name: str) -> Exercise:
    """The exercise with that name or number, or the one in a user's folder.

    Raises BadInput, with the known names, if it does not exist.
    """
    own = Path(name)
    if (own / CHECK).is_file():
        return read(own.resolve())
    known = names()
    wanted = name.strip("/")
    for candidate in known:
        number, _, words = candidate.partition("-")
        if wanted in (candidate, words, number, number.lstrip("0")):
            return read(FOLDER / candidate)
    raise BadInput(f"there is no exercise '{name}'", f"there are {', '.join(known)}")


def read(folder: Path) -> Exercise:
    """The exercise in a folder. Raises BadInput or ScriptError if its check is wrong."""
    found = tuple(_case(marked, folder) for marked in load(folder / CHECK))
    compose = folder / "compose.yaml"
    return Exercise(
        name=folder.name,
        folder=folder,
        cases=found,
        topology=catalogue.topology(compose) if compose.is_file() else STANDARD_PAIR,
        predictions=tuple(read_predictions(_text(folder / "predictions.txt"))),
        called=tuple(_text(folder / CALLED).split()),
    )


def _words(path: Path) -> list[bytes]:
    return path.read_bytes().split()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _case(marked: Scenario, folder: Path) -> Case:
    case = getattr(marked.function, MARK, None)
    if not isinstance(case, Case):
        raise BadInput(f"{folder / CHECK}: {marked.name} is not a case", "put @case above it")
    return case
