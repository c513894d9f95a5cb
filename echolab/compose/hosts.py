"""The hosts of a project: one for each service, or one for each of its replicas."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable

from echolab.compose import host_files, project
from echolab.compose.project import Project, Service
from echolab.errors import BadInput
from echolab.topology import (
    USUAL_MTU,
    Attachment,
    Health,
    Host,
    Need,
    Network,
    Topology,
    health_test,
)

LARGEST = 1000
"""The most hosts in a lab."""


def topology(found: Project, *, idle: bool = True) -> Topology:
    """The topology of a project: a service with N replicas is N hosts, NAME-1 to NAME-N.

    With `idle=False` no host is idle: those that a scenario would drive run their commands. Raises
    BadInput for a project without hosts, and for one with more than a lab can have.
    """
    services = [
        service if idle else dataclasses.replace(service, idle=False)
        for service in found.services.values()
    ]
    hosts = [host for service in services for host in _hosts(service, found)]
    if not hosts:
        raise BadInput(f"{found.file} has no hosts", _why_empty(found))
    if len(hosts) > LARGEST:
        raise BadInput(f"{found.file} has {len(hosts)} hosts", f"a lab has at most {LARGEST}")
    names = [host.name for host in hosts]
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if (len(set(names)) < len(names))
        else None
    )
    if twice is not None:
        raise BadInput(f"{found.file}: two hosts are called '{twice}'", "rename a service")
    used = {one.network for host in hosts for one in host.networks}
    networks = tuple(_network(one) for name, one in found.networks.items() if name in used)
    return Topology(tuple(hosts), networks, found.file)


def _hosts(service: Service, found: Project) -> list[Host]:
    kind, _, whose = (service.network_mode or "").partition(":")
    host = Host(
        name=service.name,
        command=host_files.command(service),
        environment={key: text for key, text in service.environment.items() if text is not None},
        user=service.user or "",
        workdir=service.working_dir or "",
        idle=service.idle,
        networks=_networks(service),
        shares=whose if kind == "service" else "",
        hostname=service.hostname or "",
        domainname=service.domainname or "",
        links=service.links,
        extra_hosts=service.extra_hosts,
        sysctls=service.sysctls,
        capabilities=tuple(sorted(one.upper().removeprefix("CAP_") for one in service.cap_add)),
        health=_health(service),
        needs=() if service.idle else _needs(service, found),
        restart=service.restart,
        image=host_files.image(service),
        mounts=host_files.mounts(service, found),
        groups=service.group_add,
        limits=host_files.limits(service),
    )
    return [dataclasses.replace(host, name=name) for name in _names(service)]


def _names(service: Service) -> tuple[str, ...]:
    """The names of a service's hosts."""
    if service.replicas == 1:
        return (service.name,)
    return tuple(f"{service.name}-{number}" for number in range(1, service.replicas + 1))


def _needs(service: Service, found: Project) -> tuple[Need, ...]:
    """What a service's hosts wait for; services that are not in use are left out."""
    return tuple(
        Need(name, one.condition, one.required, one.restart)
        for one in service.depends_on
        if one.service in found.services
        for name in _names(found.services[one.service])
    )


def _health(service: Service) -> Health | None:
    """What the file says of a service's health; of the rest an image may have a word of its own."""
    check = service.healthcheck
    if check is None or check.disable:
        return None
    said = Health(
        test=health_test(check.test or ()),
        interval=check.interval,
        timeout=check.timeout,
        retries=check.retries,
        start_period=check.start_period,
        start_interval=check.start_interval,
    )
    return said if host_files.image(service) else said.completed()


def _networks(service: Service) -> tuple[Attachment, ...]:
    """A service's connections to networks, in the order of its devices.

    Compose gives networks to the daemon by their priority, then by name (compose/v2,
    pkg/compose/create.go, getNetworksByPriority).
    """
    several = (service.name,) if service.replicas > 1 else ()
    # The daemon makes the hostname a name, too (daemon/container_operations.go).
    own = tuple(filter(None, (service.container_name, service.hostname)))
    ordered = sorted(service.networks, key=lambda one: (-one.priority, one.network))
    return tuple(
        Attachment(
            network=one.network,
            aliases=tuple(
                name
                for name in dict.fromkeys((*several, *one.aliases, *own))
                if name != service.name or several
            ),
            ip=one.ipv4_address or "",
            ip6=str(ipaddress.ip_address(one.ipv6_address)) if one.ipv6_address else "",
            mac=(one.mac_address or (service.mac_address if number == 0 else "") or "").lower(),
            gateway_priority=one.gw_priority,
        )
        for number, one in enumerate(ordered)
    )


def _network(network: project.Network) -> Network:
    return Network(
        name=network.key,
        subnets=_all(pool.subnet for pool in network.pools),
        gateways=_all(pool.gateway for pool in network.pools),
        ranges=_all(pool.ip_range for pool in network.pools),
        reserved=_all(address for pool in network.pools for address in pool.aux_addresses.values()),
        ipv4=network.enable_ipv4,
        ipv6=network.enable_ipv6,
        internal=network.internal,
        mtu=network.mtu or USUAL_MTU,
    )


def _all(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(filter(None, found))


def _why_empty(found: Project) -> str:
    if found.disabled:
        return f"set COMPOSE_PROFILES: {', '.join(found.disabled)} are in profiles"
    return "name at least one below 'services'"
