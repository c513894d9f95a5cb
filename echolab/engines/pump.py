"""Lab time passes while programs and captures are served: the engine's one event loop.

Strategy: only what must be known at once wakes the engine: the end of a program, room in
a program's standard input. Output and captured packets wait in buffers that the kernel
holds, and are drained whenever the engine is awake, at the latest after `TICK`. So a
program that prints or sends much costs no switch to the engine for each line or packet,
and the engine's own work does not disturb what is measured.
"""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable
from typing import Final

TICK: Final = 0.25
"""Lab seconds between two drains. What comes meanwhile must fit into the buffers."""

FOR_EVER: Final = math.inf


def now() -> float:
    """This kernel's seconds, which are lab seconds in a guest whose time is virtual."""
    return time.monotonic()


class Pump:
    """What waits for what: descriptors, each with the action that serves it."""

    def __init__(self) -> None:
        self._events = select.epoll()
        self._data = select.poll()
        self._actions: dict[int, Callable[[], None]] = {}
        self._drained: set[int] = set()

    def on_readable(self, descriptor: int, action: Callable[[], None]) -> None:
        """Call `action` as soon as the descriptor is readable (a pidfd: its process ended)."""
        self._actions[descriptor] = action
        self._events.register(descriptor, select.EPOLLIN)

    def on_writable(self, descriptor: int, action: Callable[[], None]) -> None:
        """Call `action` as soon as the descriptor takes more."""
        self._actions[descriptor] = action
        self._events.register(descriptor, select.EPOLLOUT)

    def drain_with(self, descriptor: int, action: Callable[[], None]) -> None:
        """Call `action` from time to time where the descriptor is readable."""
        self._actions[descriptor] = action
        self._data.register(descriptor, select.POLLIN)
        self._drained.add(descriptor)

    def forget(self, descriptor: int) -> None:
        """Wait for this descriptor no more; to be called before it is closed."""
        if self._actions.pop(descriptor, None) is None:
            return
        if descriptor in self._drained:
            self._drained.remove(descriptor)
            self._data.unregister(descriptor)
        else:
            self._events.unregister(descriptor)

    def drain(self) -> None:
        """Take in what waits in the buffers."""
        for descriptor, _ in self._data.poll(0):
            self._act(descriptor)

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until the moment `until` (as `now` tells it) or until `done`."""
        while True:
            self.drain()
            left = until - now()
            if done() or left <= 0:
                return
            self._wait(min(left, TICK) if self._drained else left)

    def _wait(self, seconds: float) -> None:
        """Wait for events; select(2) counts microseconds where epoll_wait(2) counts thousands."""
        timeout = None if seconds == FOR_EVER else seconds
        if select.select([self._events], [], [], timeout)[0]:
            for descriptor, _ in self._events.poll(0):
                self._act(descriptor)

    def _act(self, descriptor: int) -> None:
        action = self._actions.get(descriptor)
        if action:
            action()

    def close(self) -> None:
        """Let go of everything that waits."""
        self._events.close()
        self._actions.clear()
        self._drained.clear()
        self._data = select.poll()
