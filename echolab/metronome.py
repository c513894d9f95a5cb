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
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(BEAT):
            now = time.monotonic()
            self._late.append(now - before - BEAT)
            before = now

    def lateness(self) -> float:
        """The 90th percentile of how late the sleeps came, in seconds; 0 without any."""
        ordered = sorted(self._late)
        return ordered[len(ordered) * 9 // 10] if ordered else 0.0

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
