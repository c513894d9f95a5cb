"""What hosts see of this machine: folders and files that the Compose file names.

Nothing outside that file's own folder, unless the user allows it (`--reach`).
"""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

from echolab.errors import BadInput
from echolab.files import BIND, FILE, Mount
from echolab.settings import Settings
from echolab.topology import Host, Topology

LARGEST_FILE = 16 << 20
"""The most bytes of a secret or a configuration, which is kept in the guest's memory."""


def checked(topology: Topology, settings: Settings) -> Topology:
    """The topology with the real paths of all that hosts see of this machine.

    Raises BadInput for a file that is missing, cannot be read, or is outside the Compose file's
    folder.
    """
    if not any(host.mounts for host in topology.hosts):
        return topology
    hosts = tuple(_host(host, topology.file, settings) for host in topology.hosts)
    return dataclasses.replace(topology, hosts=hosts)


def _host(host: Host, file: str, settings: Settings) -> Host:
    mounts = tuple(_mount(mount, f"{file}: {mount.of}", settings) for mount in host.mounts)
    return dataclasses.replace(host, mounts=mounts)


def _mount(mount: Mount, where: str, settings: Settings) -> Mount:
    if mount.kind not in (BIND, FILE) or mount.content is not None:
        return mount
    if not mount.source:
        raise BadInput(f"{where}: the variable that it comes from is not set", "set it")
    path = Path(mount.source).resolve()
    folder = settings.compose.resolve().parent
    if not any(path.is_relative_to(one) for one in (folder, *_reach(settings))):
        raise BadInput(
            f"{where}: {mount.source} is outside of {folder}", f"allow it: --reach {path.parent}"
        )
    return dataclasses.replace(mount, source=str(_there(path, mount, where)))


def _reach(settings: Settings) -> list[Path]:
    return [one.resolve() for one in settings.reach]


def _there(path: Path, mount: Mount, where: str) -> Path:
    """The path, if hosts may see it; a folder that hosts may write to is made, as Docker does."""
    try:
        if mount.made and not mount.read_only:
            _make(path)
        kind = path.stat().st_mode
        if mount.kind == FILE:
            with path.open("rb") as file:
                file.seek(0)
    except FileNotFoundError:
        if mount.made:
            return path
        raise BadInput(f"{where}: there is no {path}", "make it, or fix the file") from None
    except OSError as error:
        raise BadInput(
            f"{where}: {path} cannot be used: {error.strerror}", "fix its permissions"
        ) from None
    if mount.kind == FILE and not stat.S_ISREG(kind):
        raise BadInput(f"{where}: {path} is not a file", "name a file")
    if mount.kind == FILE and path.stat().st_size > LARGEST_FILE:
        raise BadInput(f"{where}: {path} has more than {LARGEST_FILE >> 20} MiB", "mount it")
    if not (stat.S_ISDIR(kind) or stat.S_ISREG(kind)):
        raise BadInput(f"{where}: {path} is neither a file nor a folder", "name one")
    return path


def _make(path: Path) -> None:
    if not path.exists():
        path.mkdir(parents=True)
