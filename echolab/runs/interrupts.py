"""Interrupts: the signals that end a command, which then undoes what it has begun."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SAME = 0.1
"""Seconds within which two signals count as one: timeout(1) signals its child, then their group."""

AGAIN = 0.001
"""Seconds after which an interrupt that Python has dropped is raised again."""


def install() -> None:
    """Let each of the signals raise KeyboardInterrupt, except those that the caller ignores.

    Strategy: Python drops an exception raised in a destructor, wherever one happens to run,
    and tells only `sys.unraisablehook`. An interrupt that is dropped there is raised again by a
    timer a moment later, when the destructor has ended.
    """
    last = -SAME
    tell = sys.unraisablehook

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= SAME:
            raise KeyboardInterrupt

    def raise_again(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def dropped(what: UnraisableHookArgs) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
        else:
            tell(what)

    sys.unraisablehook = dropped
    signal.signal(signal.SIGALRM, raise_again)
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def ignore() -> None:
    """Keep the signals from ending this process from now on: everything has been undone.

    Strategy: Python writes an error about a signal that comes just as its handler is changed to
    SIG_IGN. So the signals first get a handler that does nothing, then they are blocked, and only
    then ignored. They must be ignored, since Python restores the default handlers when it ends.
    """

    def nothing(number: int, frame: FrameType | None) -> None:
        pass

    signals = (*SIGNALS, signal.SIGALRM)
    for handler in (nothing, signal.SIG_IGN):
        for number in signals:
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Block the signals until a few quick steps are done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
