"""A job: one scenario with its parameters on one topology, as data for any engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from echolab.intervention import Intervention
from echolab.schedule import PlannedFault
from echolab.topology import Topology

ParameterValue = bool | int | float | str


@dataclasses.dataclass(frozen=True)
class Job:
    """What an engine is asked to run.

    `script` is the absolute path of a scenario file and `scenario` a name in it.
    `folders` are read-only on every host, at the same path as here, or below /lab if they
    are relative to the run's folder (engine `exact` only). `workdir` is one of the relative
    ones: programs start in it, and each host may write there, for itself alone.
    `lecture` is whether hosts see `echo_app`; containers always do. `capture` asks for packet
    captures.
    `seed` is the seed of everything that is drawn at random.
    `schedule` are the faults that befall the hosts while clients work; None has them drawn from
    the seed. `testinfra` is the folder in which testinfra is installed, for scenarios that look
    into hosts with it. `interventions` are what somebody did while watching the run. With
    `watched` the run tells what there is to see every so many lab seconds
    (`echolab.scenario.watched`); if the programs' system calls are `followed`, those too. Then
    programs start a little later or earlier than otherwise. In a guest that performs several jobs
    one begins in its `turn` at the earliest, counted from 1, even if there are none before it: so
    its clocks tell the same times, and the engine runs before programs that could run at the same
    time. With 0 it begins after the one before it.
    """

    scenario: str
    script: str
    topology: Topology
    parameters: Mapping[str, ParameterValue] = dataclasses.field(default_factory=dict)
    seed: int = 0
    capture: bool = True
    folders: tuple[str, ...] = ()
    workdir: str = ""
    lecture: bool = True
    schedule: tuple[PlannedFault, ...] | None = None
    testinfra: str = ""
    interventions: tuple[Intervention, ...] = ()
    watched: float = 0.0
    followed: bool = False
    turn: int = 0
