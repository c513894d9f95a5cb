"""Sleeping exactly, on a kernel that may wake a sleeper late by a thousandth of its sleep."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_app import pacing


class Kernel:
    """A clock that moves in select alone: microseconds rounded up, and a part of them late."""

    def __init__(self, late: float) -> None:
        self.now = 12_345
        self.late = late
        self.sleeps = 0

    def select(
        self, readers: object, writers: object, exceptions: object, seconds: float
    ) -> tuple[list[int], list[int], list[int]]:
        assert seconds >= 0
        microseconds = -(-round(seconds * 1e9) // 1000)
        self.now += int(microseconds * 1000 * (1 + self.late))
        self.sleeps += 1
        return [], [], []


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """The kernel that `pacing` sees in this module."""
    made = Kernel(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(select, "select", made.select)
        patch.setattr(time, "monotonic_ns", lambda: made.now)
        yield made


@given(st.integers(0, 20 * pacing.SECOND), st.sampled_from([0, 0.0005, 0.001]))
def test_a_sleep_ends_in_time_whatever_the_kernel_makes_of_it(
    kernel: Kernel, duration: int, late: float
) -> None:
    """Never before its time, and at most two microseconds after it, in four sleeps at most."""
    kernel.late, kernel.sleeps = late, 0
    until = kernel.now + duration
    assert pacing.wait(None, until) == (False, False)
    assert 0 <= kernel.now - until <= 2_000
    assert kernel.sleeps <= 4


def test_a_time_that_has_passed_is_not_waited_for(kernel: Kernel) -> None:
    """The channel is looked at once."""
    kernel.sleeps = 0
    before = kernel.now
    pacing.wait(None, before - 1)
    assert (kernel.now, kernel.sleeps) == (before, 1)
