"""Removal of what a run no longer needs, while the next run makes its hosts.

The thread is non-daemonic: the interpreter waits for it at its end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from echolab.errors import EcholabError
from echolab.language import translate as _
from echolab.progress import Progress

_under_way: list[threading.Thread] = []


def begin(close: Callable[[], None], progress: Progress) -> None:
    """Run `close` in the background; an error in it is shown, but does not fail the run.

    The next command removes what is left behind then.
    """

    def work() -> None:
        try:
            close()
        except EcholabError as error:
            progress(f"{_('something stays until the next run')}: {error}")

    thread = threading.Thread(target=work)
    thread.start()
    _under_way.append(thread)


def wait() -> None:
    """Wait until every removal under way is done."""
    while _under_way:
        _under_way.pop().join()
