"""The engine `docker`: hosts are containers on a bridge network, by Compose, in real time."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import platform
from pathlib import Path

from echolab.engines import activity, registry, tools
from echolab.engines.docker import compose, owner, removal
from echolab.engines.docker.daemon import connect, daemon_errors
from echolab.engines.docker.images import check_roots, ensure
from echolab.engines.docker.network import ContainerNetwork
from echolab.engines.docker.program import ContainerProgram
from echolab.engines.host_kernel import netem_here
from echolab.engines.registry import Lack, Needs, Opened, Perform
from echolab.errors import CannotRun, EcholabError
from echolab.job import Job
from echolab.language import translate as _
from echolab.progress import Progress, ticking
from echolab.record import Record, Versions
from echolab.settings import Settings

NAME = "docker"

TELLING = 10.0
"""Seconds in which strace must report its version."""

TRAITS = registry.TRAITS[NAME]


def lack(settings: Settings) -> Lack | None:
    """None if a daemon and Compose answer."""
    try:
        connect(timeout=5).close()
    except CannotRun as error:
        return Lack(error.message, error.remedy)
    if not compose.command():
        return Lack("Compose is not installed", "apt-get install docker-compose")
    return None


def needs(settings: Settings) -> Needs:
    """Images, and the guest kernel unless the daemon's kernel is this machine's and has netem."""
    try:
        with contextlib.closing(connect(timeout=5)) as api, daemon_errors("asking for its kernel"):
            release = api.info()["KernelVersion"]
    except CannotRun:
        return Needs.IMAGES  # the run itself will say that the daemon is away
    native = release == platform.release() and netem_here()
    return Needs.IMAGES if native else Needs.IMAGES | Needs.KERNEL


def run(job: Job, settings: Settings, progress: Progress, perform: Perform) -> Record:
    """Perform one job on containers and return its record (see echolab.engines.registry.Engine)."""
    with contextlib.ExitStack() as undo:
        network = undo.enter_context(open_network(job, settings, progress))
        removal.wait()  # nothing else may run while this lab is measured
        with ticking(_Look(job.scenario, network, progress)):
            record = perform(job, network, NAME)
        record = dataclasses.replace(record, versions=_versions(record, network, settings.cache))
        undo.pop_all()
    removal.begin(network.close, progress)
    return record


class _Look:
    """Reports once a second what a lab does, and what its kernels have counted meanwhile."""

    def __init__(self, scenario: str, network: ContainerNetwork, progress: Progress) -> None:
        self._scenario = scenario
        self._network = network
        self._progress = progress
        self._losses: dict[str, activity.Losses] = {}

    def __call__(self, passed: float) -> None:
        running = [program for program in self._network.started if program.under_way is not None]
        if not running:
            self._progress(f"{self._scenario}: {_('the lab runs')}")
            return
        program = running[-1]
        line = activity.line(self._scenario, program.host, program.argv, program.under_way or 0.0)
        self._progress(line + self._lost(program))

    def _lost(self, program: ContainerProgram) -> str:
        plan = activity.probe(program.argv)
        if plan is None:
            return ""
        read = functools.partial(self._network.read, program.host, "/proc/net/snmp")
        try:
            losses = self._losses.setdefault(program.host, activity.Losses(read))
            return losses(program.argv, plan.protocol)
        except (EcholabError, ValueError, KeyError):
            return ""  # the measurement itself will say what broke


def open_lab(job: Job, settings: Settings, progress: Progress) -> Opened:
    """Bring the hosts of a job up in containers; see the registry."""
    network = open_network(job, settings, progress)
    removal.wait()

    def complete(record: Record) -> Record:
        return dataclasses.replace(record, versions=_versions(record, network, settings.cache))

    return Opened(network, complete)


def _versions(record: Record, network: ContainerNetwork, cache: Path) -> Versions:
    """The versions of a run: `tc` is the link container's, `strace` the host's."""
    traced = next((program.host for program in record.programs if program.calls), None)
    strace = network.start(traced, ("strace", "-V")).wait(TELLING) if traced else None
    shaped = next((command.host for command in record.commands), None)
    with daemon_errors("asking for Docker's version"):
        engine = str(network.api.version()["Version"])
    return dataclasses.replace(
        record.versions,
        tc=tools.parse(network.tc(shaped, ("-V",))) if shaped else None,
        strace=tools.parse(strace.stdout) if strace else None,
        docker=engine,
        compose=tools.version((*compose.command(), "version"), cache),
    )


def open_network(job: Job, settings: Settings, progress: Progress) -> ContainerNetwork:
    """Bring the hosts of a job up, after removing what dead runs left.

    If it raises CannotRun or BadInput, nothing is left behind.
    """
    check_roots(settings)
    api = connect()
    locks = settings.cache / "runs"
    owner.reap(api, locks)
    images = ensure(settings.base_image_file, progress)
    with contextlib.ExitStack() as undo:
        claim = undo.enter_context(owner.Owner(locks))
        network = ContainerNetwork(api, claim, job, settings, progress)
        undo.callback(network.close)
        network.open(images)
        undo.pop_all()
    return network
