"""In the guest memory is had by many pages at once, where that drives nobody out of memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import echolab
from echolab.engines.exact import engine
from echolab.engines.namespaces import cgroups, memory
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact

FAULTS = """
import gc, os, resource
import echo_app

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def child():
    there, here = os.pipe()
    if os.fork() == 0:
        gc.unfreeze()
        gc.collect()
        os.write(here, b"%d" % faults())
        os._exit(0)
    os.wait()
    return int(os.read(there, 64))

gc.unfreeze()
gc.collect()
print(faults(), *[child() for _ in range(4)])
"""
"""The page faults of a program and its children, each after it has written to all its objects."""

FEW, MANY = 200, 400


PAGE, BOUNDARY = 4096, 65536

WRITES = f"""
import mmap

def resident():
    return int(open("/proc/self/statm").read().split()[1])

def brought(hoard):
    "How many pages one first write brings, at most, after so many bytes were written."
    room = mmap.mmap(-1, hoard + 64 * {BOUNDARY}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for place in range(0, hoard, {PAGE}):
        room[place] = 1
    grown = []
    for place in range(hoard + {BOUNDARY}, len(room), 2 * {BOUNDARY} + {PAGE}):
        before = resident()
        room[place] = 1
        grown.append(resident() - before)
    return max(grown)

[total] = [line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal")]
most = int(total) * 1024 // {cgroups.MEMORY_PART}
print(brought(0), brought(most * 15 // 16 // {PAGE} * {PAGE}))
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[echolab.Lab]:
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    with echolab.open("exact") as opened:
        yield opened


def numbers(lab: echolab.Lab, program: str) -> list[int]:
    """What a program of Python prints."""
    ended = lab.run("client", ["python3", "-c", program])
    assert ended.status == 0, ended.stderr
    return [int(word) for word in ended.stdout.split()]


def test_a_program_and_its_first_children_are_copied_at_once(lab: echolab.Lab) -> None:
    faults = numbers(lab, FAULTS)
    copied = 1 + memory.OWN_CHILDREN
    assert max(faults[:copied]) < FEW < MANY < min(faults[copied:]), faults


def test_a_first_write_brings_pages_along_unless_memory_is_scarce(lab: echolab.Lab) -> None:
    """Up to the next boundary of 64 KiB; a host that has most of what it may have gets one."""
    assert numbers(lab, WRITES) == [BOUNDARY // PAGE, 1]
