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


def processor_seconds(group: int) -> float:
    """Processor time of the processes of a group that run now."""
    ticks = 0
    with os.scandir("/proc") as entries:  # called often, and on machines with many processes
        processes = [entry.path for entry in entries if entry.name.isdigit()]
    for path in processes:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(path, "stat").read_bytes().rpartition(b")")[2].split()
            if int(fields[GROUP]) == group:
                ticks += int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])
    return ticks / TICKS


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
