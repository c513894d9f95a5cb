"""A control group for each host, so that no host takes processes or memory from another.

In the guest alone, whose control groups nobody else uses (cgroups(7), version 2). On the machine's
own kernel the limits of `sandbox` apply, which count all of a user's processes.
"""

from __future__ import annotations

import contextlib
import os

from echolab.engines.namespaces import linux

CONTROLLERS = "+pids +memory"

MEMORY_PART = 2
"""A host's programs may use one part in this many of the guest's memory."""


class ControlGroups:
    """The groups of hosts, below a folder made for them; closed, they are gone.

    A host gets its group with its first program: of a thousand hosts, most may never run one.

    `processes` is how many processes and threads each may have. Every process in them must have
    ended before they are closed. Raises OSError if the kernel has no control groups. Their names
    include the folder's, since a job that crashed may have left groups to the next.
    """

    def __init__(self, place: str, processes: int) -> None:
        self._place = place
        self._descriptors: dict[str, int] = {}
        with contextlib.ExitStack() as undo:
            os.mkdir(place)
            undo.callback(os.rmdir, place)
            linux.mount("cgroup2", place, "cgroup2", 0, "favordynmods")
            undo.callback(linux.unmount, place, linux.MNT_DETACH)
            _write(f"{place}/cgroup.subtree_control", CONTROLLERS)
            self._limits = {"pids.max": processes, "memory.max": _memory() // MEMORY_PART}
            self._undo = undo.pop_all()

    def descriptor(self, host: str) -> int:
        """A file of a host; a process that writes `0` to it is in the host's group from then on."""
        if host not in self._descriptors:
            folder = f"{self._place}/{os.path.basename(self._place)}-{host}"
            os.mkdir(folder)
            self._undo.callback(os.rmdir, folder)
            for name, value in self._limits.items():
                _write(f"{folder}/{name}", str(value))
            procs = os.open(f"{folder}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
            self._undo.callback(os.close, procs)
            self._descriptors[host] = procs
        return self._descriptors[host]

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
