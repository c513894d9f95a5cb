"""The engines, chosen from one table. Each is a module with `NAME`, `lack` and `run`."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from echolab.errors import BadInput, CannotRun
from echolab.job import Job

Progress = Callable[[str], None]
"""Takes one short line that says what is being done; it is shown on standard error."""


@dataclasses.dataclass(frozen=True)
class Lack:
    """What this machine lacks for an engine, and the one command or step that mends it."""

    what: str
    remedy: str


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where a run may put things, and its limits. `wall_limit` is in seconds.

    `folder` is the run's own folder and exists; `cache` keeps what is built once;
    `kernel` overrides the guest kernel; `compose` is the file the topology was read from.
    """

    folder: Path
    cache: Path
    compose: Path
    kernel: Path | None = None
    wall_limit: float = 600.0


class Engine(Protocol):
    """What the module of an engine offers."""

    NAME: str

    def lack(self, settings: Settings) -> Lack | None:
        """None where this machine can run the engine; asked often, so it must be quick."""

    def run(self, job: Job, settings: Settings, progress: Progress) -> dict[str, Any]:
        """Perform one job and return its record, not judged yet (see echolab.record).

        Raises CannotRun where the engine broke down, ScriptError for the user's script.
        """


MODULES: Mapping[str, str] = {
    "docker": "echolab.engines.docker",
    "exact": "echolab.engines.exact",
    "namespaces": "echolab.engines.namespaces",
}


def load(name: str) -> Engine:
    """The engine of that name. Raises BadInput for another."""
    if name not in MODULES:
        raise BadInput(f"there is no engine '{name}'", f"choose auto, {', '.join(MODULES)}")
    return cast(Engine, importlib.import_module(MODULES[name]))


def choose(name: str, settings: Settings) -> tuple[Engine, str]:
    """The engine to use and why: the one named, or for `auto` docker, otherwise exact.

    Raises CannotRun, with the remedy, where the machine cannot run it.
    """
    if name != "auto":
        engine = load(name)
        lack = engine.lack(settings)
        if lack:
            raise CannotRun(f"the engine {name} cannot run here: {lack.what}", lack.remedy)
        return engine, "asked for"
    docker = load("docker")
    lack = docker.lack(settings)
    if not lack:
        return docker, "a Docker daemon answers"
    exact = load("exact")
    missing = exact.lack(settings)
    if missing:
        raise CannotRun(
            f"no engine can run here: docker ({lack.what}), exact ({missing.what})",
            f"{lack.remedy}; or {missing.remedy}",
        )
    return exact, f"no Docker: {lack.what}"
