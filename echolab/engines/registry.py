"""The table of the engines. Each is a module with what `Engine` lists."""

from __future__ import annotations

import dataclasses
import enum
import importlib
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from echolab.engines.contract import Network, Traits
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.language import later
from echolab.progress import Progress
from echolab.record import Record
from echolab.settings import Settings


@dataclasses.dataclass(frozen=True)
class Lack:
    """What this machine lacks for an engine, and the one command or step that supplies it."""

    what: str
    remedy: str


@dataclasses.dataclass(frozen=True)
class Opened:
    """A network that stays up until its user closes it.

    `complete` adds to a record what only the engine knows, while the network is still up.
    """

    network: Network
    complete: Callable[[Record], Record]


class Needs(enum.Flag):
    """What an engine takes of this machine besides itself."""

    IMAGES = enum.auto()
    """Images, and what makes their base where no registry answers."""
    TOOLS = enum.auto()
    """tc and strace on this machine, which hosts without an image use."""
    KERNEL = enum.auto()
    """The guest kernel, and the compilers that build it once."""


class Engine(Protocol):
    """What the module of an engine offers."""

    NAME: str
    TRAITS: Traits

    def lack(self, settings: Settings) -> Lack | None:
        """None if this machine can run the engine; called often, so it must be quick."""

    def needs(self, settings: Settings) -> Needs:
        """What its runs use here; as quick as `lack`, which is None."""

    def run(self, job: Job, settings: Settings, progress: Progress, perform: Perform) -> Record:
        """Have one job performed and return its record, not judged yet (see echolab.record).

        An engine whose hosts this process reaches calls `perform`. The others start a program that
        does so (`echolab.guest`). Raises CannotRun if the engine broke down, ScriptError for the
        user's script.
        """

    def open_lab(self, job: Job, settings: Settings, progress: Progress) -> Opened:
        """Bring the hosts of a job up for this process, which may use them as it likes.

        Nothing is left when the network is closed, when this raises, or when this process is
        killed. Each call may take `settings.wall_limit` seconds.
        """


Perform = Callable[[Job, Network, str], Record]
"""Performs a job on a network that is up, for the engine of that name; returns the record."""

TRAITS: Mapping[str, Traits] = {
    "docker": Traits(virtual=False, lookups=True, firewalled=True),
    "exact": Traits(virtual=True, lookups=False, firewalled=False),
    "namespaces": Traits(virtual=False, lookups=False, firewalled=False),
}
"""What each engine is like; known without importing its module, which the guest cannot do."""

MODULES: Mapping[str, str] = {
    "docker": "echolab.engines.docker.engine",
    "exact": "echolab.engines.exact.engine",
    "namespaces": "echolab.engines.namespaces.engine",
}


def load(name: str) -> Engine:
    """The engine of that name. Raises BadInput for another."""
    if name not in MODULES:
        raise BadInput(f"there is no engine '{name}'", f"choose auto, {', '.join(MODULES)}")
    return cast(Engine, importlib.import_module(MODULES[name]))


def needs(name: str, settings: Settings) -> Needs:
    """What runs on the engine of that name use here, `auto` being docker where it can run."""
    if name != "auto":
        return load(name).needs(settings)
    docker = load("docker")
    return (load("exact") if docker.lack(settings) else docker).needs(settings)


def choose(name: str, settings: Settings) -> tuple[Engine, str]:
    """The engine to use and why: the one named, or for `auto` docker, otherwise exact.

    Raises CannotRun, with the remedy, if the machine cannot run it.
    """
    if name != "auto":
        engine = load(name)
        lack = engine.lack(settings)
        if lack:
            raise CannotRun(f"the engine {name} cannot run here: {lack.what}", lack.remedy)
        return engine, later("asked for")
    docker = load("docker")
    lack = docker.lack(settings)
    if not lack:
        return docker, later("a Docker daemon answers")
    exact = load("exact")
    missing = exact.lack(settings)
    if missing:
        raise CannotRun(
            f"no engine can run here: docker ({lack.what}), exact ({missing.what})",
            f"{lack.remedy}; or {missing.remedy}",
        )
    return exact, f"no Docker: {lack.what}"
