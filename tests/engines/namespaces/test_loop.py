"""The engine's event loop: what wakes it, and what waits until it is awake."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from echolab.engines.namespaces import loop


@pytest.fixture
def pumping() -> Iterator[loop.EventLoop]:
    made = loop.EventLoop()
    yield made
    made.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_time_passes_to_the_moment_and_not_less(pumping: loop.EventLoop) -> None:
    until = loop.now() + 0.0301
    pumping.run(until)
    assert loop.now() >= until


def test_an_event_wakes_the_loop_at_once(pumping: loop.EventLoop, pipe: tuple[int, int]) -> None:
    read, write = pipe
    seen: list[bytes] = []
    pumping.on_readable(read, lambda: seen.append(os.read(read, 10)))
    os.write(write, b"x")
    pumping.run(loop.now() + 60, lambda: bool(seen))
    assert seen == [b"x"]


def test_data_is_drained_without_waking_the_loop(
    pumping: loop.EventLoop, pipe: tuple[int, int]
) -> None:
    read, write = pipe
    seen: list[tuple[float, bytes]] = []
    pumping.drain_with(read, lambda: seen.append((loop.now(), os.read(read, 10))))
    began = loop.now()
    if os.fork() == 0:
        time.sleep(loop.TICK / 5)
        os.write(write, b"x")
        os._exit(0)
    pumping.run(began + 4 * loop.TICK, lambda: bool(seen))
    os.wait()
    assert seen[0][0] - began >= loop.TICK
    assert seen[0][1] == b"x"


def test_what_is_forgotten_is_served_no_more(
    pumping: loop.EventLoop, pipe: tuple[int, int]
) -> None:
    read, write = pipe
    seen: list[int] = []
    for watch in (pumping.on_readable, pumping.drain_with):
        watch(read, lambda: seen.append(1))
        pumping.forget(read)
    pumping.forget(read)
    os.write(write, b"x")
    pumping.run(loop.now() + 0.01)
    assert seen == []


def test_an_end_that_comes_while_data_is_drained_is_told_to_the_waiting_side(
    pumping: loop.EventLoop, pipe: tuple[int, int]
) -> None:
    read, write = pipe
    ended: list[bool] = []

    def drain() -> None:
        pumping.forget(read)
        ended.append(True)

    pumping.drain_with(read, drain)
    os.write(write, b"x")
    pumping.run(loop.FOR_EVER, lambda: bool(ended))
    assert ended == [True]
