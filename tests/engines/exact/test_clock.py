"""Reading the clock costs a program lab time, whether it takes a system call or not."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import echolab
from echolab.engines.exact import engine
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact

READINGS = 16_000
"""More than the 5,000 calls without waiting that are free, and two prices of later ones."""

READS = f"""
import array, ctypes, gc, sys, time
libc = ctypes.CDLL(None)
numbers, parts = {{"monotonic_ns": 1, "time_ns": 0}}, (ctypes.c_long * 2)()

def asked():
    libc.syscall(228, numbers[sys.argv[1]], parts)  # 228 is clock_gettime(2) on x86-64
    return parts[0] * 10**9 + parts[1]

read = asked if sys.argv[2] == "asked" else getattr(time, sys.argv[1])
gc.disable()
seen = array.array("q", bytes(8 * {READINGS}))  # so that no call gets memory meanwhile
read()
time.sleep(0.01 - time.monotonic_ns() % 10**7 / 1e9)  # until the same moment of a tick
for index in range({READINGS}):
    seen[index] = read()
print(*(after - before for before, after in zip(seen, seen[1:])))
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[echolab.Lab]:
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    with echolab.open("exact", seed=7) as opened:
        yield opened


def reads(lab: echolab.Lab, clock: str, how: str) -> list[int]:
    """Nanoseconds between readings of that clock, by the C library or `asked` of the kernel."""
    run = lab.run("client", ["python3", "-c", READS, clock, how])
    return [int(took) for took in run.stdout.split()]


@pytest.mark.parametrize("clock", ["monotonic_ns", "time_ns"])
def test_a_reading_without_a_system_call_costs_what_one_with_it_costs(
    lab: echolab.Lab, clock: str
) -> None:
    """To the nanosecond: 256 ns, more where a tick falls, and the price of polling beyond that."""
    lent = reads(lab, clock, "lent")
    assert lent == reads(lab, clock, "asked")
    assert len(lent) == READINGS - 1
    assert min(lent) == 256 and max(lent) > 20_000


def test_both_clocks_go_at_the_same_pace(lab: echolab.Lab) -> None:
    """One is ahead of the other by what it was at the boot, each reading apart."""
    reads = (
        "import time; ahead = lambda: time.time_ns() - time.monotonic_ns();"
        "print(*{ahead() for _ in range(100)})"
    )
    [ahead] = lab.run("client", ["python3", "-c", reads]).stdout.split()
    assert int(ahead) > 0


def test_whoever_is_traced_reads_the_clock_by_calls(lab: echolab.Lab) -> None:
    """strace(1) shows each reading, as long as it is attached."""
    once = "import time; [time.monotonic_ns() for _ in range(1000)]"
    words = ["strace", "-e", "trace=clock_gettime", "python3", "-c", once]
    assert lab.run("client", words).stderr.count("clock_gettime(CLOCK_MONOTONIC") >= 1000
