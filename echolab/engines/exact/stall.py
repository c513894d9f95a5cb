"""Whether a guest still makes progress: measured in processor time, not in wall time.

Strategy: a program that computes without ever waiting stops the guest's clock, so nothing inside
can end it. Outside, a busy machine slows healthy guests down as well; but the processor time that a
guest has used tells the two apart on every machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

GROUP, USER_TIME, SYSTEM_TIME = 2, 11, 12
"""Fields of /proc/PID/stat after the program's name (proc_pid_stat(5), 5, 14 and 15)."""

KERNEL_SHARE = 0.02
"""The part of a guest's processor time that its kernel may use while a program asks it for nothing:
the precision of that time is a hundredth of a second, and a look is taken once a second."""


class Stalled(Exception):
    """The guest has used up its processor time without any event."""


class StallWatch:
    """Watches the process group of a guest and its logs of programs, which grow with events.

    `limit` is in seconds of processor time without an event.
    """

    def __init__(self, group: int, logs: Sequence[Path], limit: float) -> None:
        self._group = group
        self._logs = logs
        self._limit = limit
        self._events = 0
        self._since = 0.0

    def look(self) -> None:
        """Raise Stalled once the limit has been reached."""
        used = processor_seconds(self._group)
        events = sum(map(_size, self._logs))
        if events != self._events or used < self._since:
            self._events, self._since = events, used
        elif used - self._since >= self._limit:
            raise Stalled


class SpinWatch:
    """Watches a guest for a program that computes and asks its kernel for nothing.

    Only the guest's programs use the processor then: the kernel, the process that gives the group
    its number, waits for them. `limit` is in seconds of processor time.
    """

    def __init__(self, group: int, limit: float) -> None:
        self._group = group
        self._limit = limit
        self._kernel = 0.0
        self._last = 0.0
        self._since = 0.0

    def look(self) -> None:
        """Raise Stalled once the limit has been reached."""
        times = processor_times(self._group)
        kernel, used = times.get(self._group, 0.0), sum(times.values())
        if kernel - self._kernel > KERNEL_SHARE * (used - self._last):
            self._since = used
        self._kernel, self._last = kernel, used
        if used - self._since >= self._limit:
            raise Stalled


def processor_seconds(group: int) -> float:
    """Processor time of the processes of a group that run now."""
    return sum(processor_times(group).values())


def processor_times(group: int) -> dict[int, float]:
    """Processor time of each process of a group that runs now, in seconds."""
    times: dict[int, float] = {}
    with os.scandir("/proc") as entries:  # called often, and on machines with many processes
        processes = [entry.path for entry in entries if entry.name.isdigit()]
    for path in processes:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(path, "stat").read_bytes().rpartition(b")")[2].split()
            if int(fields[GROUP]) == group:
                ticks = int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])
                times[int(path.rpartition("/")[2])] = ticks / TICKS
    return times


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
