"""Where the guest's memory is kept: in an unnamed file, on a tmpfs if possible."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from echolab.errors import CannotRun

MEBIBYTE = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class MemoryFolder:
    """A folder for the guest's memory file; `in_memory` says whether it is on a tmpfs."""

    path: Path
    in_memory: bool


def usual_folders() -> tuple[Path, ...]:
    """Where Linux systems usually mount a tmpfs."""
    return Path("/dev/shm"), Path(f"/run/user/{os.getuid()}"), Path("/tmp")  # noqa: S108


def choose_folder(size: int, fallback: Path, folders: Iterable[Path] | None = None) -> MemoryFolder:
    """The first folder on a tmpfs with room for `size` mebibytes, otherwise `fallback`.

    The file is mapped with PROT_EXEC, which fails on a file system mounted noexec (such as
    /dev/shm in a Docker container). Raises CannotRun if not even `fallback` has the room:
    on a full file system, SIGBUS would end the guest in the middle of a run.
    """
    for folder in usual_folders() if folders is None else folders:
        if _usable(folder, size) and _in_memory(folder):
            return MemoryFolder(folder, True)
    if _usable(fallback, size):
        return MemoryFolder(fallback, False)
    raise CannotRun(
        f"no folder has {size} MiB free for the guest's memory (tried {fallback} last)",
        "free some space there, or set TMPDIR to a folder that is not mounted noexec",
    )


def _usable(folder: Path, size: int) -> bool:
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    room = status.f_bavail * status.f_frsize >= size * MEBIBYTE
    return room and not status.f_flag & os.ST_NOEXEC and os.access(folder, os.W_OK | os.X_OK)


def _in_memory(folder: Path) -> bool:
    """Whether the folder is on a tmpfs (proc(5), /proc/PID/mountinfo)."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, kind = line.partition(" - ")
        if mount.split()[2] == number:
            return kind.split()[0] == "tmpfs"
    return False
