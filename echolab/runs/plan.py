"""From the user's request to planned runs: which scenario, on which hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from echolab.errors import BadInput
from echolab.job import Job
from echolab.runs import catalogue
from echolab.runs.catalogue import Entry
from echolab.schedule import Schedule, ordered, parse

if TYPE_CHECKING:
    from echolab.compose.project import Project


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """A run that was requested: its job, and the Compose file of its hosts.

    `engines` names the engines that can perform it, empty for all. `project` is what the Compose
    file says, until the engine is chosen; then `warnings` are what the user must know about it.
    """

    job: Job
    compose: Path
    engines: tuple[str, ...] = ()
    project: Project | None = None
    warnings: tuple[str, ...] = ()

    def runs_in(self, engine: str) -> bool:
        """Whether that engine can perform it."""
        return not self.engines or engine in self.engines


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """The pairs of `--set KEY=VALUE`. Raises BadInput for a text without an equals sign."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInput(f"--set {text} is not KEY=VALUE", "for example --set loss=0.3")
        pairs[key] = value
    return pairs


def plan(
    entries: Sequence[Entry],
    given: Mapping[str, str],
    *,
    compose: Path | None,
    seed: int,
    capture: bool,
    environment: Mapping[str, str] | None = None,
    faults: Sequence[str] = (),
) -> tuple[PlannedRun, ...]:
    """Plan a run of each scenario; everything that the user gave is checked.

    A parameter that only some of the scenarios lack is left out for these; one that all lack is
    refused. `faults` are those of the run's schedule, as text; without any the seed draws it, and
    "none" means no faults. Raises BadInput for these, and for a Compose file that cannot be read;
    its variables come from `environment`.
    """
    from echolab.compose import hosts

    schedule = schedule_of(faults)

    known = {name for entry in entries for name in entry.scenario.parameters}
    planned = []
    projects: dict[Path, Project] = {}
    for entry in entries:
        wanted = {
            name: text
            for name, text in given.items()
            if name in entry.scenario.parameters or name not in known
        }
        file = catalogue.compose_file(entry, compose)
        if file not in projects:
            projects[file] = catalogue.project(file, environment)
        found = projects[file]
        job = catalogue.job(entry, hosts.topology(found), wanted, seed, capture=capture)
        job = dataclasses.replace(job, schedule=schedule)
        planned.append(PlannedRun(job, file.resolve(), tuple(entry.scenario.engines), found))
    return tuple(planned)


def schedule_of(texts: Sequence[str]) -> Schedule | None:
    """The schedule of `--fault TEXT`, given any number of times, or once as "none".

    None if it was not given. Raises BadInput for a text that is not a fault.
    """
    if not texts:
        return None
    return ordered([parse(text) for text in texts if text != "none"])


def for_engine(planned: Sequence[PlannedRun], engine: str) -> tuple[PlannedRun, ...]:
    """The runs that an engine can perform, with its warnings about their Compose files.

    Raises BadInput if it can perform none, and if it refuses what a file says.
    """
    chosen = tuple(run for run in planned if run.runs_in(engine))
    if not chosen:
        raise BadInput(f"the engine {engine} can run none of these", "choose another --engine")
    return tuple(_supported(run, engine) for run in chosen)


def _supported(run: PlannedRun, engine: str) -> PlannedRun:
    """The run with its warnings, without the project that they are about."""
    from echolab.compose import support

    if run.project is None:
        return run
    warnings = (*run.project.warnings, *support.check(run.project, engine))
    return dataclasses.replace(run, project=None, warnings=warnings)


def left_out(planned: Sequence[PlannedRun], engine: str) -> tuple[str, ...]:
    """A line for each planned run that an engine cannot perform."""
    return tuple(
        f"{run.job.scenario} is left out: it runs in {', '.join(run.engines)}, not in {engine}"
        for run in planned
        if not run.runs_in(engine)
    )
