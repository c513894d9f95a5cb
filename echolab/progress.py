"""Progress: how a part of the lab reports what it does, how far it is, and how long it takes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from echolab.language import translate as _

Progress = Callable[[str], None]
"""Takes one short line that says what is being done; it is shown on standard error."""

TICK = 1.0
"""Seconds between two checks of something slow."""


@contextlib.contextmanager
def ticking(
    look: Callable[[float], None], every: float = TICK, *, first: bool = False
) -> Iterator[None]:
    """Within it, `look` is called every second with the seconds that have passed.

    With `first` it is called at once, too.

    It is called on a thread of its own: nothing may fork meanwhile.
    """
    over = threading.Event()
    began = time.monotonic()

    def tick() -> None:
        while not over.wait(every):
            look(time.monotonic() - began)

    if first:
        look(0.0)
    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def duration(seconds: float) -> str:
    """A duration for people: "12 s", "3 min"."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def left(seconds: float, share: float) -> str:
    """How long it will still take if `share` of it took `seconds`; empty while that is a guess."""
    if share < 0.02 or seconds < 2:
        return ""
    rest = duration(seconds / share * (1 - min(share, 1)))
    return ", " + _("about {duration} left").format(duration=rest)
