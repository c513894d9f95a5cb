"""A control group for each host, so that no host takes processes or memory from another.

In the guest alone, whose control groups are nobody else's (cgroups(7), version 2). On the
machine's own kernel the limits of `sandbox` hold, which count all of a user's processes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping

from echolab.engines import linux

CONTROLLERS = "+pids +memory"

MEMORY_PART = 2
"""A host's programs may have one part in so many of the guest's memory."""


class Groups:
    """The groups of some hosts, below a folder made for them; closed, they are gone.

    `processes` is how many processes and threads each may have. Every process in them must
    have ended before they are closed. Raises OSError where the kernel has none. The folder's
    own name is in theirs, since a job that crashed may have left groups to the next.
    """

    def __init__(self, place: str, hosts: Iterable[str], processes: int) -> None:
        self._place = place
        self._descriptors: dict[str, int] = {}
        with contextlib.ExitStack() as undo:
            os.mkdir(place)
            undo.callback(os.rmdir, place)
            linux.mount("cgroup2", place, "cgroup2", 0, "favordynmods")
            undo.callback(linux.unmount, place, linux.MNT_DETACH)
            _write(f"{place}/cgroup.subtree_control", CONTROLLERS)
            limits = {"pids.max": processes, "memory.max": _memory() // MEMORY_PART}
            for host in hosts:
                folder = f"{place}/{os.path.basename(place)}-{host}"
                os.mkdir(folder)
                undo.callback(os.rmdir, folder)
                for name, value in limits.items():
                    _write(f"{folder}/{name}", str(value))
                procs = os.open(f"{folder}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
                undo.callback(os.close, procs)
                self._descriptors[host] = procs
            self._undo = undo.pop_all()

    @property
    def descriptors(self) -> Mapping[str, int]:
        """For each host a file; who writes `0` to it is in the host's group from then on."""
        return self._descriptors

    def close(self) -> None:
        """Remove the groups; a second call does nothing."""
        self._undo.close()


def _memory() -> int:
    """Bytes of memory that this kernel has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _write(path: str, value: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
