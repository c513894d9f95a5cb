"""An interrupt is never lost, and two in a moment are one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from echolab.resources import ROOT

PRELUDE = """
import signal
from echolab.runs import interrupts
from tests.runs.signals import wait_for_signal
"""


def said(script: str) -> tuple[str, str]:
    """What a script prints, with each interrupt that it is sent raised as the command does."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.stdout, done.stderr


DROPPED = """
class Thing:
    def __del__(self):
        signal.raise_signal(signal.{number})
interrupts.install()
try:
    Thing()
    wait_for_signal()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_in_a_destructor_is_raised_once_it_has_ended(number: str) -> None:
    assert said(DROPPED.format(number=number)) == ("interrupted\n", "")


TWICE = """
interrupts.SAME = {same}
interrupts.install()
for number in (signal.SIGTERM, signal.SIGINT):
    try:
        signal.raise_signal(number)
        print("ignored")
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_signals_in_one_moment_are_one_interrupt() -> None:
    assert said(TWICE.format(same=3600)) == ("interrupted\nignored\n", "")
    assert said(TWICE.format(same=0)) == ("interrupted\ninterrupted\n", "")


def test_signals_that_are_held_come_when_the_steps_are_done() -> None:
    script = """
interrupts.install()
try:
    with interrupts.held():
        signal.raise_signal(signal.SIGINT)
        print("done", flush=True)
    print("unreachable")
except KeyboardInterrupt:
    print("interrupted")
"""
    assert said(script) == ("done\ninterrupted\n", "")


def test_what_the_caller_ignores_stays_ignored() -> None:
    script = """
signal.signal(signal.SIGHUP, signal.SIG_IGN)
interrupts.install()
signal.raise_signal(signal.SIGHUP)
print("went on")
"""
    assert said(script) == ("went on\n", "")
