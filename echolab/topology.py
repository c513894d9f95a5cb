"""The lab's topology, read from a Compose file: hosts, commands, network.

Values only: `parse` takes the mapping that a YAML reader made; reading the file is the
caller's work. What a Compose file says beyond this is left to Compose itself.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from echolab.errors import BadInput

HOST_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


@dataclasses.dataclass(frozen=True)
class Host:
    """One host: a Compose service, or one replica of it.

    `command` is empty where the image's own command runs. `user` is as Compose writes
    it ("10007:10007"), empty for the engine's ordinary user. An `idle` host (in the
    Compose file: `x-echolab: idle`) starts nothing by itself: scenarios drive it.
    """

    name: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    idle: bool = False


@dataclasses.dataclass(frozen=True)
class Topology:
    """The hosts on one bridge network, in the order of the file. `file` is for messages."""

    hosts: tuple[Host, ...]
    ipv6: bool = False
    file: str = "compose.yaml"

    def names(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return tuple(host.name for host in self.hosts)

    def host(self, name: str) -> Host:
        """The host of that name. Raises BadInput and lists those there are."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise BadInput(
            f"{self.file} has no host '{name}'", f"it has {', '.join(self.names())}"
        )
