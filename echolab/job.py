"""A job: one scenario with its parameters on one topology, as data that any engine takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from echolab.topology import Host, Topology

Parameter = bool | int | float | str


@dataclasses.dataclass(frozen=True)
class Job:
    """What an engine is asked to run.

    `script` is the absolute path of a scenario file and `scenario` a name in it.
    `folders` are read-only on every host, under the same path as here, or below /lab where
    they are relative to the run's folder (in the engine `exact` alone); `capture` asks
    for packet captures; `seed` feeds whatever is drawn by chance.
    """

    scenario: str
    script: str
    topology: Topology
    parameters: Mapping[str, Parameter] = dataclasses.field(default_factory=dict)
    seed: int = 0
    capture: bool = True
    folders: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The job as plain JSON values; `from_json` gives an equal job back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """The job that `to_json` wrote."""
        topology = data["topology"]
        hosts = tuple(
            Host(**{**host, "command": tuple(host["command"])}) for host in topology["hosts"]
        )
        return cls(
            **{
                **data,
                "topology": Topology(hosts, topology["ipv6"], topology["file"]),
                "folders": tuple(data["folders"]),
            }
        )
