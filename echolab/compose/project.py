"""What a Compose file says, as values: the services, and the networks and files they share.

Everything is in its long form; paths are absolute, durations are in seconds, sizes in bytes. Keys
that no engine reads stay in `Service.raw`, as the file has them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from echolab.compose.tree import At, Map, Place
from echolab.errors import BadInput


def _mapping() -> Any:
    return dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Build:
    """How a service's image is built: `context` is a folder or an address."""

    context: str
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    args: Mapping[str, str | None] = _mapping()
    target: str | None = None
    raw: Mapping[str, Any] = _mapping()


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A service on a network: its names, addresses and options there."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4_address: str | None = None
    ipv6_address: str | None = None
    link_local_ips: tuple[str, ...] = ()
    mac_address: str | None = None
    interface_name: str | None = None
    driver_opts: Mapping[str, str] = _mapping()
    priority: float = 0.0
    gw_priority: float = 0.0


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of a service; `published` is a port or a range of this machine's, or None."""

    target: int
    published: str | None = None
    host_ip: str | None = None
    protocol: str = "tcp"


@dataclasses.dataclass(frozen=True)
class Mount:
    """What is mounted in a service: `kind` is volume, bind, tmpfs, image, npipe or cluster.

    `writable` is whether the file says so; if it says nothing, Compose lets a service write.
    `size` and `mode` belong to a tmpfs.
    """

    kind: str
    target: str
    source: str | None = None
    read_only: bool = False
    writable: bool = False
    create_host_path: bool = False
    nocopy: bool = False
    subpath: str | None = None
    size: int | None = None
    mode: int | None = None


@dataclasses.dataclass(frozen=True)
class Grant:
    """A secret or configuration that a service gets, as a file at `target`."""

    source: str
    target: str
    uid: str | None = None
    gid: str | None = None
    mode: int | None = None


@dataclasses.dataclass(frozen=True)
class Device:
    """A device of this machine that a service gets."""

    source: str
    target: str
    permissions: str = "rwm"


@dataclasses.dataclass(frozen=True)
class Healthcheck:
    """How a service's health is tested; `test` is None for the image's own.

    So is a number that is 0. `disable` is set for the test NONE, too.
    """

    test: tuple[str, ...] | None = None
    interval: float = 0.0
    timeout: float = 0.0
    retries: int = 0
    start_period: float = 0.0
    start_interval: float = 0.0
    disable: bool = False


@dataclasses.dataclass(frozen=True)
class Dependency:
    """A service that another service waits for.

    `condition` is service_started, service_healthy or service_completed_successfully.
    """

    service: str
    condition: str = "service_started"
    required: bool = True
    restart: bool = False


@dataclasses.dataclass(frozen=True)
class Limit:
    """A limit of setrlimit(2); -1 means none."""

    soft: int
    hard: int


@dataclasses.dataclass(frozen=True)
class Service:
    """One service. None or an empty value means that the file does not say.

    In `environment`, None removes the variable. `idle` is `x-echolab: idle`.
    """

    name: str
    image: str | None = None
    build: Build | None = None
    platform: str | None = None
    pull_policy: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str | None] = _mapping()
    user: str | None = None
    group_add: tuple[str, ...] = ()
    working_dir: str | None = None
    hostname: str | None = None
    domainname: str | None = None
    container_name: str | None = None
    networks: tuple[Attachment, ...] = ()
    network_mode: str | None = None
    mac_address: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    extra_hosts: Mapping[str, tuple[str, ...]] = _mapping()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = _mapping()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    privileged: bool = False
    devices: tuple[Device, ...] = ()
    volumes: tuple[Mount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    secrets: tuple[Grant, ...] = ()
    configs: tuple[Grant, ...] = ()
    healthcheck: Healthcheck | None = None
    depends_on: tuple[Dependency, ...] = ()
    restart: str = "no"
    init: bool = False
    read_only: bool = False
    tty: bool = False
    stdin_open: bool = False
    stop_signal: str | None = None
    stop_grace_period: float | None = None
    ulimits: Mapping[str, Limit] = _mapping()
    mem_limit: int | None = None
    memswap_limit: int | None = None
    shm_size: int | None = None
    cpus: float | None = None
    cpuset: str | None = None
    pids_limit: int | None = None
    oom_score_adj: int | None = None
    labels: Mapping[str, str] = _mapping()
    profiles: tuple[str, ...] = ()
    replicas: int = 1
    idle: bool = False
    raw: Map = dataclasses.field(default_factory=Map)


@dataclasses.dataclass(frozen=True)
class Pool:
    """A range of addresses of a network."""

    subnet: str | None = None
    gateway: str | None = None
    ip_range: str | None = None
    aux_addresses: Mapping[str, str] = _mapping()


MTU_OPTION = "com.docker.network.driver.mtu"


@dataclasses.dataclass(frozen=True)
class Network:
    """One network. `name` is the name that the file fixes for it, or None."""

    key: str
    name: str | None = None
    external: bool = False
    driver: str | None = None
    driver_opts: Mapping[str, str] = _mapping()
    internal: bool = False
    attachable: bool = False
    enable_ipv4: bool = True
    enable_ipv6: bool = False
    ipam_driver: str | None = None
    ipam_options: Mapping[str, str] = _mapping()
    pools: tuple[Pool, ...] = ()
    labels: Mapping[str, str] = _mapping()
    mtu: int | None = None


@dataclasses.dataclass(frozen=True)
class Volume:
    """One named volume. `name` is the name that the file fixes for it, or None."""

    key: str
    name: str | None = None
    external: bool = False
    driver: str | None = None
    driver_opts: Mapping[str, str] = _mapping()
    labels: Mapping[str, str] = _mapping()


@dataclasses.dataclass(frozen=True)
class FileSource:
    """Where a secret or a configuration comes from: a file, or `content` itself.

    `environment` names the variable that provided `content`.
    """

    key: str
    name: str | None = None
    external: bool = False
    file: str | None = None
    environment: str | None = None
    content: str | None = None
    labels: Mapping[str, str] = _mapping()


@dataclasses.dataclass(frozen=True)
class Project:
    """All that a Compose file says, including what it includes and extends.

    `file` is for messages. `disabled` are the services whose profile is not active; `warnings`
    are lines for the user. `document` is the whole file in its long forms.
    """

    file: str
    name: str
    services: Mapping[str, Service]
    networks: Mapping[str, Network]
    volumes: Mapping[str, Volume] = _mapping()
    secrets: Mapping[str, FileSource] = _mapping()
    configs: Mapping[str, FileSource] = _mapping()
    disabled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    document: Map = dataclasses.field(default_factory=Map)

    def at(self, *path: str) -> At:
        """Where a key of the project stands: the last part of the path that exists."""
        node: Any = self.document
        found = At(self.document.place)
        for key in path:
            found = found.key(node, int(key) if isinstance(node, list) else key)
            inner = node.get(key) if isinstance(node, Map) else None
            node = node[int(key)] if isinstance(node, list) and int(key) < len(node) else inner
        return found

    def place(self, *path: str) -> Place:
        """The file and line of a key."""
        return self.at(*path).place

    def bad(self, path: tuple[str, ...], what: str, remedy: str = "fix the file") -> BadInput:
        """The error that says in one line what is wrong with a key."""
        return self.at(*path).bad(what, remedy)
