"""A project as one Compose file again: Compose gets this instead of the user's files.

So every version of Compose, even one that knows neither `include` nor `!reset`, makes the same
hosts from the same files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from echolab.compose.project import Project, Service
from echolab.compose.tree import plain

READ_ALREADY = ("env_file", "extends", "label_file", "profiles", "scale")
"""What the other keys hold once the project has been read."""


def document(project: Project) -> dict[str, Any]:
    """The project as a mapping for Compose, in which every `$` stands for itself.

    It has the services in use and what they use, without echolab's own keys. The number of a
    service's containers is not in it: see `Service.replicas`.
    """
    used = {
        "networks": {one.network for one in _each(project, lambda service: service.networks)},
        "volumes": {one.source for one in _each(project, lambda service: service.volumes)},
        "secrets": {one.source for one in _each(project, lambda service: service.secrets)},
        "configs": {one.source for one in _each(project, lambda service: service.configs)},
    }
    found: dict[str, Any] = {}
    if "version" in project.document:
        found["version"] = project.document["version"]
    found["services"] = {
        name: _service(project, service) for name, service in project.services.items()
    }
    for section, names in used.items():
        declared: Mapping[str, Any] = project.document.get(section) or {}
        kept = {name: _without_ours(value) for name, value in declared.items() if name in names}
        if kept:
            found[section] = kept
    literal: dict[str, Any] = _literal(found)
    return literal


def _each(project: Project, part: Callable[[Service], Any]) -> list[Any]:
    return [one for service in project.services.values() for one in part(service)]


def _service(project: Project, service: Service) -> dict[str, Any]:
    found = {
        key: CHANGES[key](value, project) if key in CHANGES else value
        for key, value in _without_ours(service.raw).items()
        if key not in READ_ALREADY
    }
    return {key: value for key, value in found.items() if value is not None}


def _deploy(deploy: dict[str, Any], _project: Project) -> dict[str, Any] | None:
    return {key: value for key, value in deploy.items() if key != "replicas"} or None


def _depends_on(needs: dict[str, dict[str, Any]], project: Project) -> dict[str, Any]:
    return {
        name: {key: value for key, value in one.items() if (key, value) != ("required", True)}
        for name, one in needs.items()
        if name in project.services
    }


def _extra_hosts(hosts: dict[str, list[str]], _project: Project) -> list[str]:
    return [f"{name}:{address}" for name, addresses in hosts.items() for address in addresses]


def _devices(devices: list[dict[str, str]], _project: Project) -> list[str]:
    implied = {"target": "source", "permissions": ""}
    return [
        ":".join(
            one.get(key) or one.get(implied.get(key, ""), "rwm")
            for key in ("source", "target", "permissions")
        )
        for one in devices
    ]


def _ulimits(limits: dict[str, dict[str, Any]], _project: Project) -> dict[str, Any]:
    return {name: {key: int(value) for key, value in one.items()} for name, one in limits.items()}


def _volumes(mounts: list[dict[str, Any]], _project: Project) -> list[Any]:
    """Mounts whose folder may be created, in the short form: version 1 knows no long one."""
    return [_mount(mount) for mount in mounts]


def _mount(mount: dict[str, Any]) -> Any:
    source, target = mount.get("source", ""), mount["target"]
    made = mount.get("bind") == {"create_host_path": True}
    if not made or ":" in source + target:
        return mount
    return f"{source}:{target}:{'ro' if mount.get('read_only') else 'rw'}"


def _ports(ports: list[dict[str, Any]], _project: Project) -> list[Any]:
    """Ports, in the short form if it suffices: version 1 knows no `host_ip` in the long one."""
    return [port if set(port) & {"name", "app_protocol"} else _short(port) for port in ports]


def _short(port: dict[str, Any]) -> str:
    address = port.get("host_ip", "")
    address = f"[{address}]:" if ":" in address else address and f"{address}:"
    published = port.get("published", "")
    between = ":" if address or published != "" else ""
    return f"{address}{published}{between}{port['target']}/{port.get('protocol', 'tcp')}"


CHANGES: Mapping[str, Callable[[Any, Project], Any]] = {
    "depends_on": _depends_on,
    "deploy": _deploy,
    "devices": _devices,
    "extra_hosts": _extra_hosts,
    "ports": _ports,
    "ulimits": _ulimits,
    "volumes": _volumes,
}
"""Keys that version 1 of Compose takes in another form, or refuses where they say nothing."""


def _without_ours(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = _stripped(plain(node))
    return found


def _stripped(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _stripped(one) for key, one in node.items() if not key.startswith("x-")}
    return [_stripped(one) for one in node] if isinstance(node, list) else node


def _literal(node: Any) -> Any:
    """The values with dollar signs doubled, so that Compose replaces nothing in them."""
    if isinstance(node, str):
        return node.replace("$", "$$")
    if isinstance(node, dict):
        return {key: _literal(one) for key, one in node.items()}
    return [_literal(one) for one in node] if isinstance(node, list) else node
