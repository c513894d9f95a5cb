"""The removal of what a run has done with, while the next one makes its hosts.

The thread is none that dies with the process: an interpreter that ends waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from echolab.engines import Progress
from echolab.errors import EcholabError

_under_way: list[threading.Thread] = []


def begin(close: Callable[[], None], progress: Progress) -> None:
    """Have `close` done in the background; what it raises is told, and is no run's error.

    What stays behind then goes at the beginning of the next call of the command.
    """

    def work() -> None:
        try:
            close()
        except EcholabError as error:
            progress(f"something stays until the next run: {error}")

    thread = threading.Thread(target=work)
    thread.start()
    _under_way.append(thread)


def wait() -> None:
    """Wait until everything that was begun is done."""
    while _under_way:
        _under_way.pop().join()
