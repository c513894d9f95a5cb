"""What this machine allows one user, compared with a lab's needs before it is booted.

Each process in the guest is a process of the machine, too. `echolab.kernel.memory` takes care of
memory; descriptors are the guest's own.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from echolab.errors import CannotRun
from echolab.topology import Topology

OTHERS = 32
"""Processes besides the hosts' services: the kernel's own, the engine, a few programs."""

CONTROL_GROUPS = Path("/sys/fs/cgroup")

MEMBERSHIP = Path("/proc/self/cgroup")


def needed(topology: Topology) -> int:
    """How many processes a lab needs at least."""
    return OTHERS + sum(1 for host in topology.hosts if host.command and not host.idle)


def check(topology: Topology) -> None:
    """Raise CannotRun if this user may not have the processes that a lab needs."""
    processes = needed(topology)
    for left, what, remedy in (
        (_left_to_user(), "RLIMIT_NPROC", f"run: ulimit -u {2 * processes}"),
        (_left_to_group(), "the control group's pids.max", "raise pids.max, or use fewer hosts"),
    ):
        if left is not None and left < processes:
            raise CannotRun(
                f"a lab of {len(topology.hosts)} hosts takes {processes} processes, and {what} "
                f"leaves {left}",
                remedy,
            )


def _left_to_user() -> int | None:
    """Processes that RLIMIT_NPROC allows (setrlimit(2)); None without a limit, as for root."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return None if os.getuid() == 0 or soft == resource.RLIM_INFINITY else soft


def _left_to_group(groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> int | None:
    """Processes that this one's control group may still have; None without a limit (cgroups(7))."""
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
        own = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
        most = (groups / own / "pids.max").read_text(encoding="ascii").strip()
        now = (groups / own / "pids.current").read_text(encoding="ascii").strip()
    except (OSError, StopIteration):
        return None
    return None if most == "max" else int(most) - int(now)
