"""How busy this machine is: by how much short sleeps come late while a lab runs.

Where time is real, a program that waits for a processor sees its answers late. So does a thread
that only sleeps, and it does not touch the lab. But the scheduler favours threads that sleep over
those that compute, such as the kernels that carry packets. So the thread also reads how long the
kernel saw any program wait (Documentation/accounting/psi.rst).
"""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from types import TracebackType

BEAT = 0.01
"""Seconds of each sleep: a hundred a second cost little and see every stall."""

PRESSURE = Path("/proc/pressure/cpu")
BEATS_PER_READING = 20


class LatenessMonitor:
    """Sleeps again and again in a thread of its own, between its entry and its exit.

    `pressure` is the file in which the kernel counts how long programs waited.
    """

    def __init__(self, pressure: Path = PRESSURE) -> None:
        self._pressure = pressure
        self._waited: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._late: list[float] = []
        self._at: list[float] = []
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(BEAT):
            now = time.monotonic()
            self._late.append(now - before - BEAT)
            self._at.append(now)
            before = now
            if len(self._at) % BEATS_PER_READING == 1:
                self._read_pressure(now)

    def _read_pressure(self, now: float) -> None:
        waited = _total(self._pressure)
        if waited is not None:
            self._waited.append((now, waited))

    def waiting(self, since: float) -> float | None:
        """The share of time from `since` on in which any program waited for a processor.

        None if the kernel does not count it, or if too little time has passed.
        """
        readings = [reading for reading in self._waited if reading[0] >= since]
        if len(readings) < 2:
            return None
        (began, before), (ended, after) = readings[0], readings[-1]
        return (after - before) / (ended - began)

    def lateness(self) -> float:
        """The 90th percentile of how late the sleeps came, in seconds; 0 without any."""
        return _usual(self._late)

    def by_second(self, since: float, count: int) -> list[float]:
        """The same for each of `count` seconds, the first beginning at `since`.

        `since` is a time of `time.monotonic`.
        """
        seconds: list[list[float]] = [[] for _ in range(count)]
        for at, late in zip(self._at, self._late, strict=False):
            if 0 <= at - since < count:
                seconds[int(at - since)].append(late)
        return [_usual(late) for late in seconds]

    def __enter__(self) -> LatenessMonitor:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()


def _usual(late: list[float]) -> float:
    ordered = sorted(late)
    return ordered[len(ordered) * 9 // 10] if ordered else 0.0


def _total(file: Path) -> float | None:
    """Seconds since boot in which some program waited; None if the file does not say."""
    try:
        found = re.search(r"^some .*total=(\d+)", file.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) / 1e6 if found else None
