"""The lab's topology, read from a Compose file: hosts, commands, network.

Values only: `parse` takes the mapping that a YAML reader made; reading the file is the
caller's work. What a Compose file says beyond this is left to Compose itself.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
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
        raise BadInput(f"{self.file} has no host '{name}'", f"it has {', '.join(self.names())}")


def parse(document: Any, file: str = "compose.yaml") -> Topology:
    """The topology of a Compose file that was read into plain values.

    A service with `deploy: {replicas: N}` or `scale: N` is N hosts named NAME-1 to NAME-N.
    Raises BadInput that says what is wrong and where.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("services"), Mapping):
        raise BadInput(f"{file} is no Compose file: it has no 'services'", "name the hosts there")
    services: Mapping[str, Any] = document["services"]
    if not services:
        raise BadInput(f"{file}: 'services' is empty", "name at least one host")
    hosts: list[Host] = []
    for name, service in services.items():
        hosts += _replicas(str(name), service, file)
    networks = document.get("networks")
    ipv6 = isinstance(networks, Mapping) and any(
        isinstance(network, Mapping) and network.get("enable_ipv6") is True
        for network in networks.values()
    )
    return Topology(tuple(hosts), ipv6, file)


def _replicas(name: str, service: Any, file: str) -> list[Host]:
    where = f"{file}: services.{name}"
    if not HOST_NAME.fullmatch(name):
        raise BadInput(f"{where}: '{name}' is no host name", "use letters, digits, . _ -")
    if not isinstance(service, Mapping):
        raise BadInput(f"{where} is no mapping", "write its command below it")
    deploy = service.get("deploy")
    count = deploy.get("replicas") if isinstance(deploy, Mapping) else None
    count = service.get("scale", 1) if count is None else count
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 1000:
        raise BadInput(f"{where}: {count!r} replicas", "give a whole number from 1 to 1000")
    host = Host(
        name=name,
        command=_command(service, where),
        environment=_environment(service.get("environment"), where),
        user=str(service.get("user", "")),
        workdir=str(service.get("working_dir", "")),
        idle=service.get("x-echolab") == "idle",
    )
    if count == 1:
        return [host]
    return [dataclasses.replace(host, name=f"{name}-{n}") for n in range(1, count + 1)]


def _command(service: Mapping[str, Any], where: str) -> tuple[str, ...]:
    return _words(service.get("entrypoint"), f"{where}.entrypoint") + _words(
        service.get("command"), f"{where}.command"
    )


def _words(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise BadInput(f"{where}: {error}", "close the quotation mark") from None
    if isinstance(value, list) and all(isinstance(word, (str, int, float)) for word in value):
        return tuple(str(word) for word in value)
    raise BadInput(f"{where} is neither text nor a list of words", "write a list of words")


def _environment(value: Any, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, list):
        pairs = [str(entry).partition("=") for entry in value]
        return {name: text for name, equals, text in pairs if equals}
    if isinstance(value, Mapping):
        return {str(name): _text(text) for name, text in value.items() if text is not None}
    raise BadInput(f"{where}.environment is neither a mapping nor a list", "write NAME: VALUE")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
