"""The lab's topology: its networks, its hosts and what they run. Values only.

`echolab.compose` makes them from a Compose file.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

from echolab.errors import BadInput
from echolab.files import Image, Mount, Root

DEFAULT = "default"
"""The network of hosts that name none in the file (Compose calls it so)."""

USUAL_MTU = 1500

OWN_CHECK = "echo_app.health"
"""The module that tests whether a host listens for clients; every engine knows that by itself."""


@dataclasses.dataclass(frozen=True)
class Network:
    """One network: a bridge of its own.

    `subnets`, `gateways` and `ranges` (of the addresses for hosts, within a subnet) are as in the
    file; if it gives none for an IP version, the engine chooses. `reserved` are addresses that no
    host gets. No route leads out of an `internal` network.
    """

    name: str
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    mtu: int = USUAL_MTU


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A host's connection to a network: its other names there, and addresses in the file."""

    network: str
    aliases: tuple[str, ...] = ()
    ip: str = ""
    ip6: str = ""
    mac: str = ""
    gateway_priority: float = 0.0


@dataclasses.dataclass(frozen=True)
class Health:
    """How a host's health is tested: by a program that exits with 0 if the host is healthy.

    `test` is its argument vector, empty for the image's own. Times are lab seconds. A check
    comes `interval` after the last one ended, or `start_interval` as long as the host is not
    healthy and runs no longer than `start_period`, in which a check that fails does not count.
    One that runs for `timeout` has failed. After `retries` that failed one after the other the
    host is unhealthy. The defaults are the Docker daemon's; 0 stands for what is not said.
    """

    test: tuple[str, ...] = ()
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0
    start_interval: float = 5.0

    @property
    def own(self) -> bool:
        """Whether it is the lab's own check, which asks whether a host listens for clients."""
        return OWN_CHECK in self.test

    def completed(self, image: Health | None = None) -> Health:
        """The same, with what is not said as an `image` has it, or by default (moby,
        daemon/commit.go, merge).
        """
        found = dataclasses.asdict(self)
        for other in filter(None, (image, Health())):
            found = {name: value or getattr(other, name) for name, value in found.items()}
        return Health(**found)

    @property
    def longest(self) -> float:
        """Seconds from a host's start after which it is healthy or unhealthy."""
        return self.start_period + (self.retries + 1) * (self.interval + self.timeout)


def health_test(words: Sequence[str]) -> tuple[str, ...]:
    """The argument vector of a check as Compose files and images write it: CMD or CMD-SHELL."""
    kind, *rest = words or ("NONE",)
    return ("/bin/sh", "-c", *rest) if kind == "CMD-SHELL" else tuple(rest)


@dataclasses.dataclass(frozen=True)
class Need:
    """What a host waits for before it starts: that another host meets a `condition`.

    It is service_started, service_healthy or service_completed_successfully, as in Compose. Without
    `required` the host also starts if the condition can no longer be met. With `restart` the host
    is restarted whenever the scenario restarts the other one.
    """

    host: str
    condition: str = "service_started"
    required: bool = True
    restart: bool = False


@dataclasses.dataclass(frozen=True)
class Host:
    """One host: a Compose service, or one replica of it.

    `command` is empty if the image's own command runs. `user` is as Compose writes it
    ("10007:10007"), empty for the engine's ordinary user. An `idle` host (in the Compose file:
    `x-echolab: idle`) starts nothing by itself: scenarios drive it.

    `networks` has its connections in the order of their devices; none for a host with only the
    loopback device. A host that `shares` another host's network has that host's devices instead.
    `links` are other names that it has for hosts, `extra_hosts` names with their addresses.
    `capabilities` are those that Compose adds ("NET_ADMIN").

    `health` is None if it is not tested. `needs` are the conditions that it waits for before it
    starts. `restart` says when its command is started again after it has ended, as in Compose: no,
    always, unless-stopped, on-failure or on-failure:N.

    A host without an `image` has the lab's own files: those of the engine. `mounts` are over them.
    `root` is the image's files once an engine that unpacks images itself has them. `groups` are
    supplementary groups of its user, `limits` the soft and hard limits of its programs by their
    names in Compose (`nofile`); -1 is no limit.
    """

    name: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    idle: bool = False
    networks: tuple[Attachment, ...] = (Attachment(DEFAULT),)
    shares: str = ""
    hostname: str = ""
    domainname: str = ""
    links: tuple[tuple[str, str], ...] = ()
    extra_hosts: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    sysctls: Mapping[str, str] = dataclasses.field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    health: Health | None = None
    needs: tuple[Need, ...] = ()
    restart: str = "no"
    image: Image | None = None
    mounts: tuple[Mount, ...] = ()
    root: Root | None = None
    groups: tuple[str, ...] = ()
    limits: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Topology:
    """The hosts and their networks, in the order of the file. `file` is for messages."""

    hosts: tuple[Host, ...]
    networks: tuple[Network, ...] = (Network(DEFAULT),)
    file: str = "compose.yaml"

    @functools.cached_property
    def _by_name(self) -> Mapping[str, Host]:
        return {host.name: host for host in self.hosts}

    def names(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return tuple(host.name for host in self.hosts)

    def host(self, name: str) -> Host:
        """The host of that name. Raises BadInput and lists those there are."""
        if name in self._by_name:
            return self._by_name[name]
        raise BadInput(f"{self.file} has no host '{name}'", f"it has {', '.join(self.names())}")

    def owners(self) -> tuple[str, ...]:
        """The names of the hosts whose devices are their own."""
        return tuple(host.name for host in self.hosts if not host.shares)

    def network(self, name: str) -> Network:
        """The network of that name. Raises BadInput and lists those there are."""
        for network in self.networks:
            if network.name == name:
                return network
        known = ", ".join(network.name for network in self.networks)
        raise BadInput(f"{self.file} has no network '{name}'", f"it has {known}")
