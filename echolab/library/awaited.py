"""A lab's verbs as coroutines: none blocks the event loop (asyncio) that awaits it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from echolab.library.lab import OpenLab
from echolab.record import ProgramRun
from echolab.scenario.programs import RunningProgram

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Pending(Protocol[R_co]):
    """Something under way: a program that was started, or a probe."""

    def wait(self) -> R_co:
        """Wait for its end."""


def _awaited(
    verb: Callable[Concatenate[OpenLab, P], R],
) -> Callable[Concatenate[AsyncLab, P], Coroutine[Any, Any, R]]:
    """A verb of a lab, carried out in the lab's own thread."""

    async def later(self: AsyncLab, /, *arguments: P.args, **named: P.kwargs) -> R:
        return await self._do(lambda: verb(self.lab, *arguments, **named))

    functools.update_wrapper(later, verb)
    return later


class AsyncLab:
    """A lab whose verbs are awaited, for a program with an event loop (asyncio).

    They are those of `lab`, with the same parameters and results, one at a time. For what takes no
    time, use `lab` itself: claims, notes, `hosts`, `address`.
    """

    def __init__(self, lab: OpenLab) -> None:
        self.lab = lab
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "echolab verbs")

    async def _do(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    now = _awaited(OpenLab.now)
    sleep = _awaited(OpenLab.sleep)
    shape = _awaited(OpenLab.shape)
    clear = _awaited(OpenLab.clear)
    probe = _awaited(OpenLab.probe)
    start_probe = _awaited(OpenLab.start_probe)
    run = _awaited(OpenLab.run)
    start = _awaited(OpenLab.start)
    until_listening = _awaited(OpenLab.until_listening)
    kill = _awaited(OpenLab.kill)
    pause = _awaited(OpenLab.pause)
    resume = _awaited(OpenLab.resume)
    restart = _awaited(OpenLab.restart)
    partition = _awaited(OpenLab.partition)
    heal = _awaited(OpenLab.heal)
    counter = _awaited(OpenLab.counter)
    record = _awaited(OpenLab.record)
    story = _awaited(OpenLab.story)
    report = _awaited(OpenLab.report)
    close = _awaited(OpenLab.close)

    async def wait(self, pending: Pending[R]) -> R:
        """Wait for the end of what `start` or `start_probe` returned, and return its result."""
        return await self._do(pending.wait)

    async def stop(self, program: RunningProgram) -> ProgramRun:
        """End a program that `start` returned: SIGTERM, and SIGKILL one lab second later."""
        return await self._do(program.stop)
