"""Lets lab time pass while programs and captures are served: the engine's one event loop.

Strategy: only what must be known at once wakes the engine: the end of a program, room in a
program's standard input. Output and captured packets wait in kernel buffers, and are drained
whenever the engine is awake, at the latest after `TICK`. So a program that prints or sends much
costs no switch to the engine for each line or packet, and the engine's own work does not disturb
measurements.
"""

from __future__ import annotations

import heapq
import itertools
import math
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Final

from echolab.engines.namespaces import linux

TICK: Final = 0.25
"""Lab seconds between two drains. The data of that time must fit into the buffers."""

FOR_EVER: Final = math.inf


def now() -> float:
    """This kernel's seconds, which are lab seconds in a guest whose time is virtual."""
    return time.monotonic()


class Timer:
    """An action at a moment; `cancel` calls it off."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Do nothing when the moment comes."""
        self.action = None


def ready_now(made: socket.socket, *, to_send: bool = False) -> bool:
    """Whether a socket can receive, or can send, without any time passing."""
    none: list[socket.socket] = []
    receiving, sending = (none, [made]) if to_send else ([made], none)
    return any(select.select(receiving, sending, none, 0))


class EventLoop:
    """What waits for what: descriptors and moments, each with the action that serves it."""

    def __init__(self) -> None:
        self._events = select.epoll()
        self._data = select.poll()
        self._actions: dict[int, Callable[[], None]] = {}
        self._drained: set[int] = set()
        self._timers: list[tuple[float, int, Timer]] = []
        self._alarms: set[int] = set()
        self._numbers = itertools.count()

    def at(self, moment: float, action: Callable[[], None]) -> Timer:
        """Call `action` when the moment has come (as `now` tells it) and the loop runs."""
        timer = Timer(action)
        heapq.heappush(self._timers, (moment, next(self._numbers), timer))
        return timer

    def exactly_at(self, moment: float, action: Callable[[], None]) -> None:
        """Call `action` when the moment has come, to the nanosecond if the loop waits then."""
        alarm = linux.alarm(moment)
        self._alarms.add(alarm)

        def ring() -> None:
            self.forget(alarm)
            self._alarms.remove(alarm)
            os.close(alarm)
            action()

        self.on_readable(alarm, ring)

    def on_readable(self, descriptor: int, action: Callable[[], None]) -> None:
        """Call `action` as soon as the descriptor is readable (a pidfd: its process ended)."""
        self._actions[descriptor] = action
        self._events.register(descriptor, select.EPOLLIN)

    def on_writable(self, descriptor: int, action: Callable[[], None]) -> None:
        """Call `action` as soon as the descriptor accepts more."""
        self._actions[descriptor] = action
        self._events.register(descriptor, select.EPOLLOUT)

    def drain_with(self, descriptor: int, action: Callable[[], None]) -> None:
        """Call `action` from time to time while the descriptor is readable."""
        self._actions[descriptor] = action
        self._data.register(descriptor, select.POLLIN)
        self._drained.add(descriptor)

    def forget(self, descriptor: int) -> None:
        """Stop waiting for this descriptor; call this before it is closed."""
        if self._actions.pop(descriptor, None) is None:
            return
        if descriptor in self._drained:
            self._drained.remove(descriptor)
            self._data.unregister(descriptor)
        else:
            self._events.unregister(descriptor)

    def drain(self) -> None:
        """Read what waits in the buffers."""
        for descriptor, _ in self._data.poll(0):
            self._act(descriptor)

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until the moment `until` (as `now` tells it) or until `done`."""
        while True:
            self.drain()
            self._fire()
            left = until - now()
            if done() or left <= 0:
                return
            if self._timers:
                left = max(0.0, min(left, self._timers[0][0] - now()))
            self._wait(min(left, TICK) if self._drained else left)

    def _fire(self) -> None:
        """Do what is due."""
        while self._timers and (self._timers[0][2].action is None or self._timers[0][0] <= now()):
            timer = heapq.heappop(self._timers)[2]
            if timer.action is not None:
                timer.action()

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
        """Release everything that waits."""
        for alarm in self._alarms:
            os.close(alarm)
        self._alarms.clear()
        self._events.close()
        self._actions.clear()
        self._drained.clear()
        self._timers.clear()
        self._data = select.poll()
