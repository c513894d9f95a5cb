"""What tests of signals share: a wait for a signal that misses none."""

from __future__ import annotations

import os
import select
import signal


def wait_for_signal() -> None:
    """Wait until a signal has come and its handler has run.

    Python's own pause(2) sleeps through a signal that comes just before it: the handler in C
    has noted it by then, and the one in Python runs only when pause(2) has returned.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        select.select([reading], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
