"""The available scenarios: those of this repository, and the user's own files."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from echolab import resources
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.scenario import script
from echolab.topology import Topology

if TYPE_CHECKING:
    from echolab.compose.project import Project


LECTURE = (
    "file",
    "backlog",
    "refused",
    "echo",
    "loss",
    "corrupt",
    "duplicate",
    "reorder",
    "head-of-line",
    "half-close",
    "partition",
    "nagle",
    "asymmetric",
    "latency",
    "rate",
    "burst",
    "fragments",
    "short-read",
    "contrast",
)
"""The scenarios in the order in which the lecture reaches what they examine (docs/lecture.md)."""


ZOO = "zoo"
"""The folder of distributed systems beside the scenarios: found by name, not run with all."""

MAELSTROM = resources.PACKAGE / "maelstrom" / "scenario.py"
"""The scenario that `./lab maelstrom` runs; it is found by name, too."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One scenario that can be run, and the script that it is in."""

    scenario: script.Scenario
    path: Path


def every(folder: Path = resources.SCENARIOS) -> tuple[Entry, ...]:
    """All scenarios of a folder: in the lecture's order, then by name of the file.

    Raises CannotRun if it has none, and what `script.load` raises.
    """
    found = tuple(
        Entry(scenario, path)
        for path in sorted(folder.glob("*.py"))
        if not path.name.startswith("_")
        for scenario in script.load(path)
    )
    if not found:
        raise CannotRun(f"there are no scenarios in {folder}", "install echolab again")
    order = {name: place for place, name in enumerate(LECTURE)}
    return tuple(sorted(found, key=lambda entry: order.get(entry.scenario.name, len(order))))


def find(names: Sequence[str], folder: Path = resources.SCENARIOS) -> tuple[Entry, ...]:
    """The scenarios of those names, all if none is given; a name that ends in .py is a user's file.

    Raises BadInput for an unknown name, and says which one may be meant.
    """
    if not names:
        return every(folder)
    found: list[Entry] = []
    for name in names:
        if name.endswith(".py") or "/" in name:
            path = Path(name).resolve()
            found += [Entry(scenario, path) for scenario in script.load(path)]
        else:
            found.append(_by_name(name, folder))
    return tuple(found)


def only(name: str) -> Entry:
    """The one scenario of that name or file. Raises BadInput as `find`, and for several."""
    entries = find([name])
    if len(entries) != 1:
        names = ", ".join(entry.scenario.name for entry in entries)
        raise BadInput(f"{name} has {len(entries)} scenarios: {names}", "name a file with one")
    return entries[0]


def _by_name(name: str, folder: Path) -> Entry:
    if name == MAELSTROM.parent.name:
        return Entry(script.find(MAELSTROM, name), MAELSTROM)
    for place, stem in itertools.product((folder, folder / ZOO), (name, name.replace("-", "_"))):
        path = place / f"{stem}.py"
        if path.is_file():
            for scenario in script.load(path):
                if scenario.name == name:
                    return Entry(scenario, path)
    entries = every(folder)
    for entry in entries:
        if entry.scenario.name == name:
            return entry
    import difflib  # needed only if the name is wrong

    names = [entry.scenario.name for entry in entries]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    raise BadInput(f"there is no scenario '{name}'", hint)


def parameter_rows(scenario: script.Scenario) -> list[list[str]]:
    """A row for each parameter: its name, its default, its domain and its meaning."""
    rows = []
    for name, default in scenario.parameters.items():
        meaning = scenario.meaning(name)
        rows.append([name, meaning.shown(default), meaning.domain or "any", meaning.about])
    return rows


def project(file: Path, environment: Mapping[str, str] | None = None) -> Project:
    """What a Compose file says, with these variables of the process.

    Raises BadInput for one that cannot be read.
    """
    from echolab.compose import read  # 50 ms that `--help` need not wait for

    return read.read([file], environment or {})


def topology(file: Path, environment: Mapping[str, str] | None = None) -> Topology:
    """The hosts of a Compose file. Raises BadInput for one that cannot be read."""
    from echolab.compose import hosts

    return hosts.topology(project(file, environment))


def compose_file(entry: Entry, given: Path | None) -> Path:
    """The Compose file a scenario runs on: the one given, its own, or the repository's."""
    if given is not None:
        return given
    if entry.scenario.compose is not None:
        return entry.path.parent / entry.scenario.compose
    return resources.COMPOSE


def job(
    entry: Entry, hosts: Topology, given: Mapping[str, str], seed: int, *, capture: bool
) -> Job:
    """The job that runs a scenario with the parameters given as text."""
    parameters = entry.scenario.with_parameters(given)
    for name in entry.scenario.files:
        if parameters[name]:
            parameters[name] = str(Path(str(parameters[name])).resolve())
    return Job(
        scenario=entry.scenario.name,
        script=str(entry.path),
        topology=hosts,
        parameters=parameters,
        seed=seed,
        capture=capture,
        folders=entry.scenario.folders(parameters),
        testinfra=testinfra(),
    )


@functools.cache
def testinfra() -> str:
    """The folder in which testinfra is installed; empty if it is not."""
    found = importlib.util.find_spec("testinfra")
    return str(Path(found.origin).parents[1]) if found is not None and found.origin else ""
