"""Check that the parts of a project fit together, and add what it implies.

Source: compose-go's loader/validate.go and loader/normalize.go.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

from echolab.compose.project import Attachment, Network, Project, Service
from echolab.errors import BadInput

DEFAULT = "default"
"""The network of every service that names no network."""

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
"""A valid name for a host, and for a container."""


def complete(project: Project) -> Project:
    """The project with the default network where it is used; BadInput if something is missing."""
    services = {name: _attached(service) for name, service in project.services.items()}
    networks = dict(project.networks)
    used = {one.network for service in services.values() for one in service.networks}
    if DEFAULT in used:
        networks.setdefault(DEFAULT, Network(DEFAULT))
    found = dataclasses.replace(project, services=services, networks=networks)
    for service in services.values():
        _service(found, service)
    _names(found)
    _circles(found)
    for section, sources in (("secrets", found.secrets), ("configs", found.configs)):
        for key, source in sources.items():
            has = [source.file, source.content, source.environment]
            if not source.external and not any(one is not None for one in has):
                raise found.bad(
                    (section, key), "it says neither 'file' nor what is in it", "write 'file: PATH'"
                )
    return found


def _attached(service: Service) -> Service:
    if service.networks or service.network_mode is not None:
        return service
    return dataclasses.replace(service, networks=(Attachment(DEFAULT),))


def _service(project: Project, service: Service) -> None:
    path = ("services", service.name)
    if not NAME.fullmatch(service.name):
        raise project.bad(
            path, f"'{service.name}' is not a host name", "use letters, digits, . _ -"
        )
    if service.networks and service.network_mode is not None:
        raise project.bad(
            (*path, "network_mode"), "a service with 'networks', too", "leave one of them out"
        )
    for one in service.networks:
        _there(project, (*path, "networks"), one.network, "network", project.networks)
    for grant in service.secrets:
        _there(project, (*path, "secrets"), grant.source, "secret", project.secrets)
    for grant in service.configs:
        _there(project, (*path, "configs"), grant.source, "config", project.configs)
    for mount in service.volumes:
        if mount.kind == "volume" and mount.source:
            _there(project, (*path, "volumes"), mount.source, "volume", project.volumes)
    _dependencies(project, service)


def _there(
    project: Project, path: tuple[str, ...], name: str, kind: str, known: Mapping[str, object]
) -> None:
    if name not in known:
        has = f"there are {', '.join(known)}" if known else f"write it below '{kind}s'"
        raise project.bad(path, f"there is no {kind} '{name}'", has)


def _dependencies(project: Project, service: Service) -> None:
    for one in service.depends_on:
        if one.service in project.services or not one.required:
            continue
        keys = ("depends_on", "links", "network_mode", "ipc", "pid", "volumes_from")
        key = next((key for key in keys if one.service in str(service.raw.get(key, ""))), keys[0])
        path = ("services", service.name, key)
        if one.service in project.disabled:
            raise project.bad(
                path,
                f"the service '{one.service}' is in a profile that is not active",
                "set COMPOSE_PROFILES",
            )
        raise project.bad(
            path,
            f"there is no service '{one.service}'",
            f"there are {', '.join(project.services)}",
        )


def _names(project: Project) -> None:
    """Raise if two containers have the same name."""
    seen: dict[str, str] = {}
    for service in project.services.values():
        if service.container_name is None or not service.replicas:
            continue
        if service.container_name in seen:
            raise project.bad(
                ("services", service.name, "container_name"),
                f"the service '{seen[service.container_name]}' has that name, too",
                "give it another",
            )
        seen[service.container_name] = service.name


def _circles(project: Project) -> None:
    """Raise if a service waits for itself, directly or through others."""
    needs = {
        name: {one.service for one in service.depends_on if one.service in project.services}
        for name, service in project.services.items()
    }
    while needs:
        ready = [name for name, wanted in needs.items() if not wanted & needs.keys()]
        if not ready:
            raise _circle(project, needs)
        for name in ready:
            del needs[name]


def _circle(project: Project, needs: Mapping[str, Iterable[str]]) -> BadInput:
    """The error about one of the circles: members of `needs` that wait for each other."""
    at = next(iter(needs))
    seen: list[str] = []
    while at not in seen:
        seen.append(at)
        at = next(name for name in needs[at] if name in needs)
    circle = seen[seen.index(at) :]
    return project.bad(
        ("services", circle[0], "depends_on"),
        f"{', '.join(circle)} wait for each other" if len(circle) > 1 else "it waits for itself",
        "take one of them out",
    )
