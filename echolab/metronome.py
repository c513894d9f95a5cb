"""How busy this machine is: by how much short sleeps come late while a lab runs.

Where time is real, a program that waits for a processor sees its answers late. A thread
that does nothing but sleep sees the same, and says so without touching the lab.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

BEAT = 0.01
"""Seconds of each sleep: a hundred a second cost nothing and see every stall."""


class Metronome:
    """Sleeps beat by beat in a thread of its own while it is entered."""

    def __init__(self) -> None:
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

    def __enter__(self) -> Metronome:
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
