"""Labs that stay up until they are taken down: which ones exist, and their hosts.

Nothing about them is kept except by the daemon: the containers' labels name their Compose file, so
that every command finds them, whatever folder it is called in.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from echolab import resources
from echolab.engines.contract import Address
from echolab.engines.docker import compose, owner
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors
from echolab.errors import BadInput, CannotRun

FILE = "echolab.lab"
"""The label with the path of a lab's Compose file."""

HOST = "echolab.host"
"""The label of a link's container with the name of its host."""

SHELL = "if command -v bash >/dev/null; then exec bash; else exec sh; fi"

UP = f"{resources.COMMAND} up --compose FILE"


@dataclasses.dataclass(frozen=True)
class RunningHost:
    """A host of a lab that is up: its container, the daemon's state of it, its connections."""

    name: str
    container: str
    state: str
    networks: Mapping[str, Address] = dataclasses.field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self.state == "running"


@dataclasses.dataclass(frozen=True)
class RunningLab:
    """A lab that is up."""

    file: Path
    project: str
    hosts: tuple[RunningHost, ...]

    def host(self, name: str) -> RunningHost:
        """The host of that name. Raises BadInput if it does not exist or does not run."""
        for host in self.hosts:
            if host.name == name:
                if host.runs:
                    return host
                raise BadInput(f"{name} does not run: it is {host.state}", "start the lab again")
        known = ", ".join(host.name for host in self.hosts)
        raise BadInput(f"the lab of {self.file.name} has no host '{name}'", f"it has {known}")


def labs(api: Api) -> list[RunningLab]:
    """All labs that are up, by their files."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    with daemon_errors("looking for labs that are up"):
        for entry in api.containers(all=True, filters={"label": [FILE, compose.SERVICE_LABEL]}):
            labels = entry["Labels"]
            key = (labels[FILE], labels[compose.PROJECT_LABEL])
            found.setdefault(key, []).append(entry)
    return [
        RunningLab(Path(file), project, _hosts(project, entries))
        for (file, project), entries in sorted(found.items())
    ]


def the_lab(api: Api, file: Path | None = None) -> RunningLab:
    """The lab that is up; of several, the one of `file`. Raises BadInput if it is not up."""
    found = labs(api)
    if file is not None:
        found = [lab for lab in found if lab.file == file.resolve()]
    if not found:
        which = f"the lab of {file} is not up" if file else "no lab is up"
        raise BadInput(which, f"bring it up first: {UP}" if file else f"bring one up: {UP}")
    if len(found) > 1:
        names = ", ".join(str(lab.file) for lab in found)
        raise BadInput(f"{len(found)} labs are up: {names}", "name one with --compose FILE")
    return found[0]


def _hosts(project: str, entries: Sequence[Mapping[str, Any]]) -> tuple[RunningHost, ...]:
    services = [entry["Labels"][compose.SERVICE_LABEL] for entry in entries]

    def name(labels: Mapping[str, str]) -> str:
        service = labels[compose.SERVICE_LABEL]
        number = labels[compose.NUMBER_LABEL]
        return service if services.count(service) == 1 else f"{service}-{number}"

    hosts = [
        RunningHost(
            name(entry["Labels"]),
            entry["Id"],
            entry["State"],
            {
                key.removeprefix(f"{project}_"): Address(
                    told["IPAddress"], told["MacAddress"], told["GlobalIPv6Address"] or None
                )
                for key, told in entry["NetworkSettings"]["Networks"].items()
                if told["MacAddress"]
            },
        )
        for entry in entries
    ]
    return tuple(sorted(hosts, key=lambda host: host.name))


def labels_of(file: Path, role: str) -> dict[str, str]:
    """The labels of what belongs to a lab that is up."""
    return {owner.LABEL: role, FILE: str(file.resolve())}


def remove(api: Api, file: Path) -> int:
    """Remove all containers, networks and volumes of a lab; returns how many."""
    return owner.remove(api, f"{FILE}={file.resolve()}")


def run(host: RunningHost, argv: Sequence[str], *, terminal: bool) -> int:
    """Run a program on a host, or a shell if none is named, and return its exit status.

    Its input and output are this process's. Raises CannotRun without Docker's command.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise CannotRun("there is no docker command here", "apt-get install docker-cli")
    words = list(argv) or ["sh", "-c", SHELL]
    flags = ["--interactive", *(["--tty"] if terminal else [])]
    return subprocess.call([docker, "exec", *flags, host.container, *words])
