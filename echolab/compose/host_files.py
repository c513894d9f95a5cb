"""Where a service's files come from: its image, and what is mounted over it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from echolab.compose.project import FileSource, Grant, Mount, Project, Service
from echolab.files import BIND, FILE, MEMORY, VOLUME, Build, Image
from echolab.files import Mount as HostMount

OWN_IMAGE = "echolab-host"
"""The image of the lab's own hosts, which each engine has: in Docker, the image whose tag is the
hash of its sources."""

OWN_COMMAND = ("python3", "-m", "echo_app.server")
"""The command of that image (images/host/Dockerfile)."""

NEW_PRIVILEGES = ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")


def is_own(service: Service) -> bool:
    """Whether a service has the lab's own files: their image, or no image at all."""
    if service.image is None:
        return service.build is None
    return service.image.removesuffix(":latest") == OWN_IMAGE


def command(service: Service) -> tuple[str, ...]:
    """What a service runs, as far as its file says, and for the lab's own image what that says."""
    said = (service.entrypoint or ()) + (service.command or ())
    silent = service.entrypoint is None and service.command is None and not service.idle
    return OWN_COMMAND if silent and service.image and is_own(service) else said


def image(service: Service) -> Image | None:
    """The image that holds a service's files; None for the lab's own."""
    if is_own(service):
        return None
    build = None
    if service.build is not None:
        build = Build(
            service.build.context,
            service.build.dockerfile,
            service.build.dockerfile_inline,
            service.build.args,
            service.build.target,
        )
    return Image(
        name=service.image or "",
        build=build,
        entrypoint=service.entrypoint,
        command=service.command,
        unset=tuple(name for name, text in service.environment.items() if text is None),
        dropped=tuple(sorted(one.upper().removeprefix("CAP_") for one in service.cap_drop)),
        privileges=not any(one in NEW_PRIVILEGES for one in service.security_opt),
        read_only=service.read_only,
        shared_memory=service.shm_size or 64 << 20,
        tested=service.healthcheck is None or not service.healthcheck.disable,
    )


def limits(service: Service) -> dict[str, tuple[int, int]]:
    """The limits of a service's programs, soft and hard."""
    return {name: (one.soft, one.hard) for name, one in service.ulimits.items()}


def mounts(service: Service, project: Project) -> tuple[HostMount, ...]:
    """What is mounted over a service's files, in the file's order; the last of a target counts."""
    found = [*_memory(service), *_volumes(service)]
    for section, grants, sources in (
        ("secrets", service.secrets, project.secrets),
        ("configs", service.configs, project.configs),
    ):
        where = f"services.{service.name}.{section}"
        found += [_granted(grant, sources[grant.source], where) for grant in grants]
    return tuple({mount.target: mount for mount in found}.values())


def _memory(service: Service) -> Iterator[HostMount]:
    for text in service.tmpfs:
        target, _, options = text.partition(":")
        yield HostMount(
            MEMORY, _folder(target), options=options, of=f"services.{service.name}.tmpfs"
        )


def _volumes(service: Service) -> Iterator[HostMount]:
    where = f"services.{service.name}.volumes"
    for number, mount in enumerate(service.volumes):
        target = _folder(mount.target)
        if mount.kind == "tmpfs":
            options = ",".join(_options(mount))
            yield HostMount(MEMORY, target, "", mount.read_only, options=options, of=where)
        elif mount.kind == "bind":
            yield HostMount(
                BIND,
                target,
                mount.source or "",
                read_only=not mount.writable,
                made=mount.create_host_path,
                of=where,
            )
        else:
            own = f".{service.name}-{number}"  # no volume's name begins with a dot
            yield HostMount(
                VOLUME,
                target,
                mount.source or own,
                mount.read_only,
                filled=not mount.nocopy,
                of=where,
            )


def _options(mount: Mount) -> Iterator[str]:
    if mount.size is not None:
        yield f"size={mount.size}"
    if mount.mode is not None:
        yield f"mode={mount.mode:o}"


def _granted(grant: Grant, source: FileSource, where: str) -> HostMount:
    return HostMount(
        FILE,
        _folder(grant.target),
        source.file or "",
        read_only=True,
        content=source.content if source.file is None else None,
        mode=0o444 if grant.mode is None else grant.mode,
        uid=_number(grant.uid),
        gid=_number(grant.gid),
        of=where,
    )


def _number(value: Any) -> int:
    return int(value) if value is not None and str(value).isdigit() else 0


def _folder(target: str) -> str:
    return "/" + target.strip("/")
