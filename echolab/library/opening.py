"""Opening a lab: from a program's request to hosts that are up."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from echolab.compose import hosts, support
from echolab.engines import registry
from echolab.engines.registry import Engine, Opened
from echolab.job import Job
from echolab.library.folder import TemporaryFolder
from echolab.library.lab import OpenLab
from echolab.progress import Progress
from echolab.record import Record
from echolab.record.format import dump
from echolab.runs import catalogue
from echolab.runs import folders as run_folders
from echolab.runs.execute import Watch
from echolab.scenario.performance import Performance
from echolab.settings import Settings

NAME = "lab"
"""What a record calls the scenario of a lab that was opened without a name."""

LABS = "labs"
"""The folder of the cache for the folders of open labs."""


def open(
    engine: str = "auto",
    *,
    compose: Path | str | None = None,
    seed: int = 0,
    out: Path | str | None = None,
    capture: bool = True,
    folders: Sequence[Path | str] = (),
    roots: Mapping[str, Path | str] | None = None,
    reach: Sequence[Path | str] = (),
    name: str = NAME,
    limit: float = 600.0,
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> OpenLab:
    """Open a lab in this program, and return when its hosts are up and their services answer.

    The hosts are those of the file `compose`, by default the lecture's server and client. `seed`
    determines everything that is drawn by chance. Hosts see the `folders`, read-only, under their
    own names. In `exact`, `roots` has the files of images by their names, each an archive or a
    folder, and `reach` has folders that binds of the Compose file may show besides its own. The
    run's files go to a new folder below `out`; without `out` they are removed with
    the lab. With `capture` every packet is kept, for the report. `name` is what records and reports
    call the lab. No verb may take more than `limit` seconds (of processor time where time is
    virtual). `environment` has the variables of the Compose file, by default this process's own;
    `progress` is told about slow steps, such as building the kernel.

    Raises BadInput for a Compose file or an engine that cannot be used, CannotRun if this
    machine cannot run it.
    """
    planned = plan(engine, compose, seed, capture, folders, roots, reach, name, limit, environment)
    with contextlib.ExitStack() as undo:
        own = _folder(planned, out, undo)
        settings = dataclasses.replace(planned.settings, folder=own)
        watch = Watch(virtual=planned.engine.TRAITS.virtual)
        told = progress or (lambda line: None)
        opener = functools.partial(planned.engine.open_lab, planned.job, settings, told)
        return hold(planned, own, watch, opener, undo, kept=out is not None)


@dataclasses.dataclass(frozen=True)
class Planned:
    """A lab that was requested: its hosts and seed, where it runs, what must be said about it."""

    engine: Engine
    job: Job
    settings: Settings
    warnings: tuple[str, ...]


def plan(
    engine: str,
    compose: Path | str | None,
    seed: int,
    capture: bool,
    folders: Sequence[Path | str],
    roots: Mapping[str, Path | str] | None,
    reach: Sequence[Path | str],
    name: str,
    limit: float,
    environment: Mapping[str, str] | None,
) -> Planned:
    """Plan a lab; `open` explains each parameter. Raises as `open` does."""
    base = Settings.from_environment(os.environ, None if compose is None else Path(compose))
    settings = dataclasses.replace(
        base,
        wall_limit=limit,
        roots={image: str(place) for image, place in (roots or {}).items()},
        reach=tuple(map(Path, reach)),
    )
    project = catalogue.project(base.compose, os.environ if environment is None else environment)
    topology = hosts.topology(project)
    chosen, _ = registry.choose(engine, settings)
    job = Job(
        scenario=name,
        script="",
        topology=topology,
        seed=seed,
        capture=capture,
        folders=tuple(str(Path(one).resolve()) for one in folders),
    )
    warnings = (*project.warnings, *support.check(project, chosen.NAME))
    return Planned(chosen, job, settings, warnings)


def hold(
    planned: Planned,
    own: Path,
    watch: Watch,
    opener: Callable[[], Opened],
    undo: contextlib.ExitStack,
    *,
    kept: bool,
) -> OpenLab:
    """Open a planned lab, which then owns what `undo` undoes, for example its folder `own`.

    Its record is written there if it is `kept`.
    """
    ending = undo.enter_context(contextlib.ExitStack())
    ending.enter_context(watch)
    opened = opener()
    ending.callback(opened.network.close)
    performance = Performance(
        planned.job, opened.network, planned.engine.NAME, OpenLab, folder=Path.cwd()
    )
    lab = performance.lab

    def gather() -> Record:
        lab.stop_all()
        record = opened.complete(performance.record())
        whole = watch.complete(record, own, planned.settings.compose, planned.warnings)
        if kept:
            run_folders.write(own / run_folders.RECORD, dump(whole))
        return whole

    lab._own(own, gather, ending.close)
    weakref.finalize(lab, undo.pop_all().close)
    return lab


def _folder(planned: Planned, out: Path | str | None, undo: contextlib.ExitStack) -> Path:
    """The run's folder: kept below `out`, or removed with the lab."""
    if out is not None:
        made = run_folders.create(Path(out), planned.job.scenario, planned.engine.NAME)
        return made.resolve()
    temporary = TemporaryFolder(planned.settings.cache / LABS)
    undo.callback(temporary.remove)
    return temporary.path
