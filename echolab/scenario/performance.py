"""Perform a job on a network that is up: run its scenario and build its record."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from echolab.engines.contract import Network, WatchedNetwork
from echolab.errors import BadInput
from echolab.job import Job
from echolab.record import (
    Capture,
    HostAddress,
    InterfaceAddress,
    Life,
    ProgramRun,
    Record,
    RootUsed,
    Versions,
)
from echolab.scenario import inspection
from echolab.scenario import script as scripts
from echolab.scenario.lab import Lab
from echolab.scenario.measurement import Measurement
from echolab.scenario.printed import Printed
from echolab.scenario.shaping import Shaping
from echolab.scenario.workloads import planned
from echolab.schedule import Schedule
from echolab.topology import Host
from echolab.version import __version__

LONGEST_OUTPUT = 65536
"""The most characters of each program's output that a record keeps."""

Held = TypeVar("Held", bound=Lab)


class Performance(Generic[Held]):
    """What is done on a network that is up, from its start to its record.

    `lab`, of the class `kind`, is what the scenario receives. With `measured`, every kernel's
    counters are counted from here on; with `baseline`, the network is measured before anything is
    shaped. `folder` holds the script; the faults of `schedule` happen to the hosts while clients
    work.
    """

    def __init__(
        self,
        job: Job,
        network: Network,
        engine: str,
        kind: type[Held],
        *,
        baseline: bool = True,
        measured: bool = True,
        folder: Path = Path(),
        schedule: Schedule = (),
    ) -> None:
        self._job = job
        self._network = network
        self._measured = measured
        self._measurement = Measurement(network, job.topology)
        self._shaping = Shaping(network, job.topology, self._measurement, job.seed)
        inspection.found_in(job.testinfra)
        self.lab = kind(
            network,
            job.topology,
            engine,
            job.seed,
            measurement=self._measurement,
            shaping=self._shaping,
            baseline=baseline,
            folder=folder,
            schedule=schedule,
        )
        if measured:
            self._measurement.begin()

    def record(self) -> Record:
        """End the captures and the count, and return the record, not judged yet.

        Lab time and everything the kernel counted are in the record. The engine adds the
        versions of its tools, and whoever executes the run adds wall time, the machine and
        the digests of the captures.
        """
        job, network, lab = self._job, self._network, self.lab
        if self._measured:
            self._measurement.end()
            self._shaping.confirm()
        lab_seconds = network.now()
        captures = network.captures()
        return Record(
            scenario=job.scenario,
            sentence="",
            expect="",
            parameters=dict(job.parameters),
            engine=lab.engine,
            traits=network.traits,
            seed=job.seed,
            kernel=network.kernel,
            link_by=network.link_by,
            link_kernel=network.link_kernel,
            lab_seconds=lab_seconds,
            epoch=round(network.epoch(), 6),
            hosts=tuple(_host(network, host) for host in job.topology.hosts),
            roots=tuple(
                RootUsed(host.name, host.root.image, host.root.digest)
                for host in job.topology.hosts
                if host.root is not None
            ),
            warnings=(
                *self._shaping.warnings,
                *_troubles(network.lives),
                *_losses(captures),
            ),
            commands=tuple(self._shaping.commands),
            links=tuple(self._shaping.stretches),
            baseline=tuple(self._measurement.baseline),
            probes=tuple(lab.probes),
            programs=tuple(_program(finished) for finished in lab.finished),
            notes=tuple(lab.notes),
            faults=tuple(lab.faults),
            schedule=lab.schedule,
            interventions=job.interventions,
            watched=job.watched or None,
            followed=job.followed or None,
            histories=tuple(lab.histories),
            lives=tuple(network.lives),
            counters=self._measurement.readings(),
            claims=tuple(lab.claims),
            conclusion=lab.conclusion,
            captures=tuple(_capture(captured) for captured in captures),
            versions=Versions(echolab=__version__, python=sys.version.split()[0]),
        )


def perform(job: Job, network: Network, engine: str, *, alone: bool = False) -> Record:
    """Run the job's scenario on `network` and return the record, not judged yet.

    Raises ScriptError for what the user's script does wrong, CannotRun if the network
    broke down. Whatever the scenario left running is stopped.

    In a process that only does this (`alone`), standard error is the script's, too.
    """
    script = Path(job.script)
    marked = scripts.find(script, job.scenario)
    performance = Performance(
        job,
        network,
        engine,
        Lab,
        baseline=marked.baseline,
        measured=marked.measured,
        folder=script.parent,
        schedule=planned(marked.faults, job.schedule, job.seed, job.topology),
    )
    try:
        with (
            _watched(job, performance.lab, network),
            Printed(errors=alone) as printed,
            scripts.user_errors(script),
        ):
            marked.function(performance.lab, **job.parameters)
    finally:
        performance.lab.stop_all()
    return dataclasses.replace(
        performance.record(),
        sentence=marked.sentence,
        summary=marked.summary,
        expect=marked.expect,
        picture=marked.picture,
        stretch=marked.stretch,
        then=marked.then,
        printed=printed.text(),
    )


@contextlib.contextmanager
def _watched(job: Job, lab: Lab, network: Network) -> Iterator[None]:
    """Have a run watched and interfered with, if its job says so; few jobs do."""
    if not (job.watched or job.interventions):
        yield
        return
    from echolab.scenario.watched import Watched

    if not isinstance(network, WatchedNetwork):
        raise BadInput(f"nobody can watch the engine {lab.engine}", "use the engine exact")
    watched = Watched(job, lab, network)
    watched.begin()
    try:
        yield
    finally:
        watched.end()


def _troubles(lives: Sequence[Life]) -> Iterator[str]:
    """A line for each host whose service failed while the scenario ran, or went on alone."""
    seen: set[tuple[str, str]] = set()
    for life in lives:
        ended = life.kind == "ended" and life.status != 0 and life.at >= 0
        told = {
            "ended": f"its service ended with status {life.status}" if ended else "",
            "unhealthy": "it is unhealthy",
            "given up": "its service is not started again any more",
            "went on without": f"it started without {life.said}",
        }.get(life.kind, "")
        if told and (life.host, life.kind) not in seen:
            seen.add((life.host, life.kind))
            words = f": {life.said}" if life.said and life.kind != "went on without" else ""
            yield f"{life.host} at second {life.at:.3f}: {told}{words}"


def _losses(captures: Sequence[Capture]) -> Iterator[str]:
    """A line for each capture that is not whole."""
    for captured in captures:
        if captured.lost:
            name = Path(captured.file).name
            yield f"{name} lacks {captured.lost} packets, which came too fast to be kept"


def _host(network: Network, host: Host) -> HostAddress:
    first = network.addresses[host.name]
    ways = tuple(
        InterfaceAddress(one.network, one.device, one.address.ip, one.address.mac, one.address.ip6)
        for one in network.interfaces[host.name]
    )
    return HostAddress(host.name, first.ip, first.mac, first.ip6, ways, host.shares)


def _program(finished: ProgramRun) -> ProgramRun:
    return dataclasses.replace(
        finished,
        stdout=finished.stdout[:LONGEST_OUTPUT],
        stderr=finished.stderr[:LONGEST_OUTPUT],
    )


def _capture(captured: Capture) -> Capture:
    """The capture as a record names it: its file within the run's folder."""
    return dataclasses.replace(captured, file=Path(captured.file).name)
