"""echolab: each sentence of a lecture on sockets, as an experiment on a network.

A script or a program may use what this package exports; docs/api.md lists it.

A name's module is imported when the name is first asked for: `echolab --help` needs none.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from echolab.engines.contract import Address, Interface, Network, Program
    from echolab.errors import BadInput, CannotRun, EcholabError
    from echolab.history.values import Operation, Workload
    from echolab.library.awaited import AsyncLab
    from echolab.library.lab import OpenLab
    from echolab.library.notebook import PacketStory, Report
    from echolab.library.opening import open
    from echolab.link import Link
    from echolab.record.probe import Exchange, Fate, Latency, Probe
    from echolab.record.values import (
        Capture,
        Claim,
        Conclusion,
        Fault,
        Life,
        Note,
        ProgramRun,
        Record,
        Traits,
    )
    from echolab.scenario.client import Client
    from echolab.scenario.lab import Lab, PendingProbe
    from echolab.scenario.parameter import Parameter
    from echolab.scenario.programs import RunningProgram
    from echolab.scenario.script import scenario
    from echolab.schedule import Faults, PlannedFault
    from echolab.version import __version__

__all__ = [
    "Address",
    "AsyncLab",
    "BadInput",
    "CannotRun",
    "Capture",
    "Claim",
    "Client",
    "Conclusion",
    "EcholabError",
    "Exchange",
    "Fate",
    "Fault",
    "Faults",
    "Interface",
    "Lab",
    "Latency",
    "Life",
    "Link",
    "Network",
    "Note",
    "OpenLab",
    "Operation",
    "PacketStory",
    "Parameter",
    "PendingProbe",
    "PlannedFault",
    "Probe",
    "Program",
    "ProgramRun",
    "Record",
    "Report",
    "RunningProgram",
    "Traits",
    "Workload",
    "__version__",
    "open",
    "scenario",
]

_MODULES = {
    "Address": "echolab.engines.contract",
    "AsyncLab": "echolab.library.awaited",
    "BadInput": "echolab.errors",
    "CannotRun": "echolab.errors",
    "Capture": "echolab.record.values",
    "Claim": "echolab.record.values",
    "Client": "echolab.scenario.client",
    "Conclusion": "echolab.record.values",
    "EcholabError": "echolab.errors",
    "Exchange": "echolab.record.probe",
    "Fate": "echolab.record.probe",
    "Fault": "echolab.record.values",
    "Faults": "echolab.schedule",
    "Interface": "echolab.engines.contract",
    "Lab": "echolab.scenario.lab",
    "Latency": "echolab.record.probe",
    "Life": "echolab.record.values",
    "Link": "echolab.link",
    "Network": "echolab.engines.contract",
    "Note": "echolab.record.values",
    "OpenLab": "echolab.library.lab",
    "PacketStory": "echolab.library.notebook",
    "Operation": "echolab.history.values",
    "Parameter": "echolab.scenario.parameter",
    "PendingProbe": "echolab.scenario.lab",
    "PlannedFault": "echolab.schedule",
    "Probe": "echolab.record.probe",
    "Program": "echolab.engines.contract",
    "ProgramRun": "echolab.record.values",
    "Record": "echolab.record.values",
    "Report": "echolab.library.notebook",
    "RunningProgram": "echolab.scenario.programs",
    "Traits": "echolab.record.values",
    "Workload": "echolab.history.values",
    "__version__": "echolab.version",
    "open": "echolab.library.opening",
}

if not TYPE_CHECKING:  # otherwise a type checker would accept any name

    class _Package(types.ModuleType):
        """This package, which looks up its public names when they are first asked for (PEP 562).

        `scenario` is the decorator, although there is a room of that name, too, which the import
        system would put in its place.
        """

        @property
        def scenario(self):
            return importlib.import_module("echolab.scenario.script").scenario

        @scenario.setter
        def scenario(self, room):
            pass

        def __getattr__(self, name):
            if name not in _MODULES:
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
            value = getattr(importlib.import_module(_MODULES[name]), name)
            setattr(self, name, value)
            return value

    sys.modules[__name__].__class__ = _Package
