"""In the guest a forked interpreter's memory is copied at once, without a fault for each page."""

from __future__ import annotations

import os

import pytest

import echolab
from echolab.engines.exact import engine
from echolab.engines.namespaces import memory
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


def test_a_program_and_its_first_children_are_copied_at_once() -> None:
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    with echolab.open("exact") as lab:
        ended = lab.run("client", ["python3", "-c", FAULTS])
    assert ended.status == 0, ended.stderr
    faults = [int(word) for word in ended.stdout.split()]
    copied = 1 + memory.OWN_CHILDREN
    assert max(faults[:copied]) < FEW < MANY < min(faults[copied:]), faults
