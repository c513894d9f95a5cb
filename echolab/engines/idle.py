"""Whether a guest still gets anywhere: measured in processor time, not in wall time.

Strategy: a program that computes without ever waiting stops the guest's clock, so nothing
inside can end it. Outside, a busy machine makes honest guests slow as well; but how much
processor time a guest has had tells the two apart on every machine alike.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

GROUP, USER_TIME, SYSTEM_TIME = 2, 11, 12
"""Fields of /proc/PID/stat behind the program's name (proc_pid_stat(5), 5, 14 and 15)."""


class Stuck(Exception):
    """The guest has used up its processor time and nothing has happened."""


class Idle:
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
        """Raise Stuck where the limit has been reached."""
        used = processor_seconds(self._group)
        events = sum(map(_size, self._logs))
        if events != self._events or used < self._since:
            self._events, self._since = events, used
        elif used - self._since >= self._limit:
            raise Stuck


def processor_seconds(group: int) -> float:
    """Processor time of the processes of a group that run now."""
    ticks = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = (process / "stat").read_text(encoding="utf-8", errors="replace")
            fields = text.rpartition(")")[2].split()
            if int(fields[GROUP]) == group:
                ticks += int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])
    return ticks / TICKS


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
