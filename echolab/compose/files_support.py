"""What an engine honours if its hosts have images as their roots.

Each function says whether a key's value asks for nothing beyond what the engine does anyway; see
`declared.Quiet`.
"""

from __future__ import annotations

from typing import Any

from echolab.compose.host_files import NEW_PRIVILEGES, is_own
from echolab.compose.project import Mount, Project, Service

CAPABILITIES = frozenset({"NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "NET_BROADCAST"})
"""Capabilities that a host can have in every engine (capabilities(7)): they concern its own
network alone."""

IMAGE_CAPABILITIES = CAPABILITIES | frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
"""Capabilities, Docker's own included, that a host can have where images are roots."""

LIMITS = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)
"""The names of limits that Compose knows (go-units)."""

BUILD_KEYS = frozenset(
    [
        "args",
        "context",
        "dockerfile",
        "dockerfile_inline",
        "labels",
        "no_cache",
        "pull",
        "tags",
        "target",
    ]
)
"""The keys of `build` that Docker's oldest builder knows, or that change no image."""


def simply_built(value: Any, _project: Project, service: Service) -> bool:
    return is_own(service) or set(service.build.raw if service.build else ()) <= BUILD_KEYS


def image_capabilities(_value: Any, _project: Project, service: Service) -> bool:
    known = CAPABILITIES if is_own(service) else IMAGE_CAPABILITIES
    return {one.upper().removeprefix("CAP_") for one in service.cap_add} <= known


def with_image(_value: Any, _project: Project, service: Service) -> bool:
    """Whether the service has an image of its own: only its hosts can have this."""
    return not is_own(service)


def mountable(_value: Any, project: Project, service: Service) -> bool:
    """Volumes that the lab can make by itself: its own, folders of this machine, memory."""
    return all(can_mount(one, project) for one in service.volumes)


def can_mount(mount: Mount, project: Project) -> bool:
    if mount.kind != "volume":
        return mount.kind in ("bind", "tmpfs")
    if mount.subpath is not None:
        return False
    volume = project.volumes.get(mount.source or "")
    return volume is None or not (
        volume.external or volume.driver_opts or volume.driver not in (None, "local")
    )


def granted(_value: Any, project: Project, service: Service) -> bool:
    """Secrets and configurations that the file itself says, and not Docker's own."""
    return not any(
        sources[grant.source].external
        for grants, sources in (
            (service.secrets, project.secrets),
            (service.configs, project.configs),
        )
        for grant in grants
    )


def always(_value: Any, _project: Project, _service: Service) -> bool:
    return True


def known_limits(_value: Any, _project: Project, service: Service) -> bool:
    return set(service.ulimits) <= LIMITS


def no_new_privileges(_value: Any, _project: Project, service: Service) -> bool:
    return set(service.security_opt) <= set(NEW_PRIVILEGES) or (
        not is_own(service)
        and all(
            one in (*NEW_PRIVILEGES, "no-new-privileges:false") or one.endswith("unconfined")
            for one in service.security_opt
        )
    )


def sealed(_value: Any, _project: Project, service: Service) -> tuple[str, str] | None:
    """The warning about a bind that Compose would let a service write to."""
    for mount in service.volumes:
        if mount.kind == "bind" and not (mount.read_only or mount.writable):
            return (
                f"a folder of this machine is read-only unless the file says otherwise: "
                f"{mount.target}",
                "write ':rw' behind it to let the host change it, ':ro' to silence this",
            )
    return None
