"""Which keys of a Compose file each engine honours: one table, and what each engine declares.

A key is *honoured*; it is *refused* if ignoring it would change the network or a program; it is
*warned* about if ignoring it changes neither. No key is ignored silently: a test compares the table
with the specification's schema.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any

from echolab.compose import files_support
from echolab.compose.files_support import CAPABILITIES
from echolab.compose.host_files import is_own
from echolab.compose.project import MTU_OPTION, Network, Project, Service


class Support(enum.Enum):
    """What an engine does with a key."""

    HONOURED = "honoured"
    WARNED = "warned"
    REFUSED = "refused"


HONOURED, WARNED, REFUSED = Support.HONOURED, Support.WARNED, Support.REFUSED


@dataclasses.dataclass(frozen=True)
class Row:
    """A key of the table, with what the engines do with it.

    `namespaces` stands for `exact` too, which is the same engine in another kernel. `why` says what
    happens if a key is not honoured. A row covers all keys below its own, except those that have
    a row themselves; `whole` says that this is intended where the key is honoured.
    """

    docker: Support
    namespaces: Support
    why: str = ""
    whole: bool = False


def _rows(
    docker: Support, namespaces: Support, keys: Mapping[str, str], prefix: str, whole: bool
) -> dict[str, Row]:
    return {f"{prefix}{key}": Row(docker, namespaces, why, whole) for key, why in keys.items()}


def _plain(keys: str) -> dict[str, str]:
    return dict.fromkeys(keys.split(), "")


SERVICE = "services.*."

TABLE: Mapping[str, Row] = {
    # --- honoured by every engine, mostly by reading the file itself
    **_rows(
        HONOURED,
        HONOURED,
        _plain("version name services networks volumes secrets configs"),
        "",
        whole=True,
    ),
    **_rows(
        HONOURED,
        HONOURED,
        _plain(
            "annotations attach command container_name domainname entrypoint env_file environment"
            " expose extends extra_hosts hostname init label_file labels links mac_address profiles"
            " pull_policy pull_refresh_after restart scale sysctls user working_dir"
        ),
        SERVICE,
        whole=True,
    ),
    **_rows(
        HONOURED,
        HONOURED,
        _plain("attachable driver enable_ipv4 enable_ipv6 internal labels name"),
        "networks.*.",
        whole=True,
    ),
    # --- changes a program if ignored
    **_rows(
        HONOURED,
        REFUSED,
        {
            "build": "programs run on this machine's own files",
            "cap_add": "hosts have no such capability",
            "cap_drop": "hosts have no capabilities",
            "configs": "hosts have no files of their own",
            "credential_spec": "hosts have no credentials",
            "device_cgroup_rules": "hosts have no devices",
            "devices": "hosts have no devices",
            "gpus": "hosts have no devices",
            "group_add": "programs are in their user's group alone",
            "image": "programs run on this machine's own files",
            "ipc": "each host has a namespace of its own",
            "isolation": "hosts are not containers",
            "pid": "each lab has one namespace of processes",
            "platform": "programs run on this machine's processor",
            "post_start": "no hooks are run",
            "pre_start": "no hooks are run",
            "pre_stop": "no hooks are run",
            "privileged": "hosts have no capabilities",
            "read_only": "hosts cannot write outside /tmp",
            "runtime": "hosts are not containers",
            "secrets": "hosts have no files of their own",
            "security_opt": "hosts are not containers",
            "stdin_open": "standard input is empty",
            "storage_opt": "hosts have no files of their own",
            "tmpfs": "hosts can write to /tmp alone",
            "tty": "programs have no terminal",
            "ulimits": "programs have the lab's limits",
            "umask": "programs have the lab's umask",
            "userns_mode": "hosts are not containers",
            "uts": "each host has a namespace of its own",
            "volumes": "hosts have no files of their own",
            "volumes_from": "hosts have no files of their own",
        },
        SERVICE,
        whole=True,
    ),
    # --- changes the network if ignored
    f"{SERVICE}networks": Row(HONOURED, HONOURED),
    f"{SERVICE}networks.*": Row(HONOURED, HONOURED),
    **_rows(
        HONOURED,
        HONOURED,
        _plain("aliases gw_priority ipv4_address ipv6_address mac_address priority"),
        f"{SERVICE}networks.*.",
        whole=True,
    ),
    **_rows(
        HONOURED,
        REFUSED,
        {
            "driver_opts": "every network is a plain bridge",
            "interface_name": "devices are called eth0, eth1 and so on",
            "link_local_ips": "hosts have the addresses of their networks alone",
            "use_service_name_alias": "hosts are known by their services' names",
        },
        f"{SERVICE}networks.*.",
        whole=True,
    ),
    **_rows(
        HONOURED,
        WARNED,
        dict.fromkeys(
            ("dns", "dns_opt", "dns_search"), "there are no names but those of the lab's hosts"
        ),
        SERVICE,
        whole=True,
    ),
    **_rows(
        HONOURED,
        REFUSED,
        {"driver_opts": "networks are plain", "external": "the lab's networks are its own"},
        "networks.*.",
        whole=True,
    ),
    "networks.*.ipam": Row(HONOURED, HONOURED),
    "networks.*.ipam.config": Row(HONOURED, HONOURED, whole=True),
    "networks.*.ipam.driver": Row(HONOURED, REFUSED, "the lab gives the addresses"),
    "networks.*.ipam.options": Row(HONOURED, REFUSED, "the lab gives the addresses", whole=True),
    **_rows(
        REFUSED,
        REFUSED,
        {
            "external_links": "the lab has no containers but its own",
            "network_mode": "a lab never touches this machine's own network",
            "provider": "the lab has no services but hosts",
            "use_api_socket": "hosts have no way to the daemon",
            "models": "the lab runs no models",
        },
        SERVICE,
        whole=True,
    ),
    # --- changes neither
    **_rows(
        HONOURED,
        WARNED,
        {
            "blkio_config": "no such limit is set",
            "cgroup": "no such limit is set",
            "cgroup_parent": "no such limit is set",
            "cpu_count": "no such limit is set",
            "cpu_percent": "no such limit is set",
            "cpu_period": "no such limit is set",
            "cpu_quota": "no such limit is set",
            "cpu_rt_period": "no such limit is set",
            "cpu_rt_runtime": "no such limit is set",
            "cpu_shares": "no such limit is set",
            "cpus": "no such limit is set",
            "cpuset": "no such limit is set",
            "logging": "output is kept in the run's record",
            "mem_limit": "no such limit is set",
            "mem_reservation": "no such limit is set",
            "mem_swappiness": "no such limit is set",
            "memswap_limit": "no such limit is set",
            "oom_kill_disable": "no such limit is set",
            "oom_score_adj": "no such limit is set",
            "pids_limit": "no such limit is set",
            "ports": "hosts cannot be reached from this machine",
            "shm_size": "no such limit is set",
            "stop_grace_period": "programs are killed when the run ends",
            "stop_signal": "programs are killed when the run ends",
        },
        SERVICE,
        whole=True,
    ),
    f"{SERVICE}depends_on": Row(HONOURED, HONOURED, whole=True),
    f"{SERVICE}healthcheck": Row(HONOURED, HONOURED, whole=True),
    f"{SERVICE}deploy": Row(HONOURED, HONOURED),
    f"{SERVICE}deploy.replicas": Row(HONOURED, HONOURED),
    f"{SERVICE}deploy.labels": Row(HONOURED, HONOURED),
    f"{SERVICE}deploy.restart_policy": Row(HONOURED, HONOURED),
    f"{SERVICE}deploy.restart_policy.condition": Row(HONOURED, HONOURED),
    f"{SERVICE}deploy.restart_policy.max_attempts": Row(HONOURED, HONOURED),
    **_rows(
        WARNED,
        WARNED,
        dict.fromkeys(("delay", "window"), "a service is started again with Docker's own pauses"),
        f"{SERVICE}deploy.restart_policy.",
        whole=True,
    ),
    **_rows(
        WARNED,
        WARNED,
        {
            "mode": "the lab is not a swarm",
            "endpoint_mode": "the lab is not a swarm",
            "placement": "the lab is not a swarm",
            "resources": "only some versions of Compose set such limits",
            "rollback_config": "the lab is not a swarm",
            "update_config": "the lab is not a swarm",
        },
        f"{SERVICE}deploy.",
        whole=True,
    ),
    f"{SERVICE}develop": Row(WARNED, WARNED, "no files are watched"),
    "include": Row(REFUSED, HONOURED, "not every version of Compose reads it", whole=True),
    "models": Row(WARNED, WARNED, "the lab runs no models"),
    "jobs": Row(WARNED, WARNED, "the lab runs no jobs"),
}


Quiet = Callable[[Any, Project, Any], bool]
"""Whether a value asks for nothing that is not so anyway: value, project, service or network."""


Partly = Callable[[Any, Project, Any], tuple[str, str] | None]
"""What the user must know about a value that is honoured; None for nothing."""


def _own(_value: Any, _project: Project, service: Service) -> bool:
    """The lab's own hosts: every engine has them as its Compose file describes them."""
    return is_own(service)


def _own_network(value: Any, _project: Project, _service: Service) -> bool:
    """No value, or another host's."""
    return str(value) == "none" or str(value).startswith("service:")


def _network_capabilities(_value: Any, _project: Project, service: Service) -> bool:
    """Networks that reach no further than the host itself."""
    return {one.upper().removeprefix("CAP_") for one in service.cap_add} <= CAPABILITIES


def _among(*allowed: Any) -> Quiet:
    """Every item of a list, or the value itself, is one of these."""

    def quiet(value: Any, _project: Project, _owner: Any) -> bool:
        return all(one in allowed for one in (value if isinstance(value, list) else [value]))

    return quiet


def _mtu_alone(value: Any, _project: Project, _network: Network) -> bool:
    return set(value or {}) <= {MTU_OPTION}


EVERYWHERE: Mapping[str, Quiet] = {
    f"{SERVICE}network_mode": _own_network,
    f"{SERVICE}deploy.mode": _among("replicated"),
}

NAMESPACES: Mapping[str, Quiet] = {
    **EVERYWHERE,
    f"{SERVICE}build": _own,
    f"{SERVICE}image": _own,
    f"{SERVICE}cap_add": _network_capabilities,
    f"{SERVICE}cap_drop": lambda _value, _project, service: (
        not (set(service.cap_drop) & set(service.cap_add))
    ),
    f"{SERVICE}platform": _among("linux/amd64", "linux/x86_64"),
    f"{SERVICE}read_only": lambda _value, _project, _service: True,
    f"{SERVICE}security_opt": _among("no-new-privileges:true", "no-new-privileges"),
    f"{SERVICE}tmpfs": _among("/tmp"),  # noqa: S108 (a path on the host of the lab)
    f"{SERVICE}ipc": _among("private"),
    "networks.*.driver_opts": _mtu_alone,
    "networks.*.ipam.driver": _among("default"),
}


EXACT: Mapping[str, Quiet] = {
    **NAMESPACES,
    f"{SERVICE}build": files_support.simply_built,
    f"{SERVICE}image": files_support.always,
    f"{SERVICE}cap_add": files_support.image_capabilities,
    f"{SERVICE}cap_drop": files_support.always,
    f"{SERVICE}configs": files_support.granted,
    f"{SERVICE}group_add": files_support.always,
    f"{SERVICE}secrets": files_support.granted,
    f"{SERVICE}security_opt": files_support.no_new_privileges,
    f"{SERVICE}shm_size": files_support.with_image,
    f"{SERVICE}tmpfs": files_support.always,
    f"{SERVICE}ulimits": files_support.known_limits,
    f"{SERVICE}volumes": files_support.mountable,
}
"""In the engine `exact` images are roots."""

EXACT_WHY: Mapping[str, str] = {
    f"{SERVICE}build": f"it knows {', '.join(sorted(files_support.BUILD_KEYS))} alone",
    f"{SERVICE}cap_add": "hosts have the capabilities of a container and of its network alone",
    f"{SERVICE}configs": "hosts have those of the file, and not Docker's own",
    f"{SERVICE}secrets": "hosts have those of the file, and not Docker's own",
    f"{SERVICE}ulimits": f"there are {', '.join(sorted(files_support.LIMITS))}",
    f"{SERVICE}volumes": "hosts have the lab's own volumes, folders and memory alone",
}


EXACT_PARTLY: Mapping[str, Partly] = {f"{SERVICE}volumes": files_support.sealed}


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What one engine declares: its column of the table, and what it honours beyond it.

    `quiet` holds, by key, the values that the engine honours although it does not honour the key.
    `drivers` are the drivers that a network may have; empty for all. `instead` is the engine to
    suggest to users who need more. `why` replaces the table's reason where this engine has another.
    `partly` holds what the user must know about a value that is honoured, as a line and its remedy.
    """

    column: Callable[[Row], Support]
    quiet: Mapping[str, Quiet]
    drivers: frozenset[str]
    instead: str
    why: Mapping[str, str] = dataclasses.field(default_factory=dict)
    partly: Mapping[str, Partly] = dataclasses.field(default_factory=dict)


BRIDGES = frozenset({"bridge", "default"})

DECLARED: Mapping[str, Declaration] = {
    "docker": Declaration(lambda found: found.docker, EVERYWHERE, frozenset(), "exact"),
    "namespaces": Declaration(lambda found: found.namespaces, NAMESPACES, BRIDGES, "docker"),
    "exact": Declaration(
        lambda found: found.namespaces, EXACT, BRIDGES, "docker", EXACT_WHY, EXACT_PARTLY
    ),
}

ENGINES = tuple(DECLARED)


def row(key: str) -> Row | None:
    """The row of the table for a key: its own, or that of the key above it."""
    while key:
        if key in TABLE:
            return TABLE[key]
        key = key.rpartition(".")[0]
    return None
