"""The exercises: found by name, their cases, hosts and predictions read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from echolab import catalogue
from echolab.classroom.case import MARK, Case
from echolab.classroom.verdict import read_predictions
from echolab.errors import BadInput, CannotRun
from echolab.script import Scenario, load
from echolab.topology import Host, Topology

FOLDER = catalogue.ROOT / "exercises"

CHECK = "check.py"

STANDARD_PAIR = Topology(
    (Host("server", idle=True), Host("client", idle=True)), file="the standard pair"
)
"""The hosts of an exercise without a Compose file; neither starts anything by itself."""


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise: its folder, its cases in order, its hosts, the names of predictions."""

    name: str
    folder: Path
    cases: tuple[Case, ...]
    topology: Topology
    predictions: tuple[str, ...]

    @property
    def check(self) -> Path:
        """The script that performs the cases."""
        return self.folder / CHECK


def names() -> tuple[str, ...]:
    """The names of the exercises, in their order."""
    if not FOLDER.is_dir():
        raise CannotRun(f"{FOLDER} is not there", "run ./lab from the project's own folder")
    return tuple(sorted(path.parent.name for path in FOLDER.glob(f"[0-9]*/{CHECK}")))


def find(name: str) -> Exercise:
    """The exercise of that name or number, or in a folder of the user's own.

    Raises BadInput, with the names there are, for another.
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
    """The exercise in a folder. Raises BadInput or ScriptError where its check is wrong."""
    found = tuple(_case(marked, folder) for marked in load(folder / CHECK))
    compose = folder / "compose.yaml"
    predictions = folder / "predictions.txt"
    text = predictions.read_text(encoding="utf-8") if predictions.is_file() else ""
    return Exercise(
        name=folder.name,
        folder=folder,
        cases=found,
        topology=catalogue.topology(compose) if compose.is_file() else STANDARD_PAIR,
        predictions=tuple(read_predictions(text)),
    )


def _case(marked: Scenario, folder: Path) -> Case:
    case = getattr(marked.function, MARK, None)
    if not isinstance(case, Case):
        raise BadInput(f"{folder / CHECK}: {marked.name} is no case", "put @case above it")
    return case
