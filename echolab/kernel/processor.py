"""One processor for one guest, so that guests side by side do not meet on the same one.

Strategy: a guest's kernel and the program it runs take turns, never both at once, handing
over by futex some thousand times a second. On one processor that is a plain switch; on
two, each turn waits for the other processor to wake up, which takes twice the time in all.
"""

from __future__ import annotations

import os
import socket


class Processor:
    """A processor claimed until `close`: `number` is one of those this process may use.

    A claim is an abstract UNIX socket's name (unix(7)): it vanishes with its process and
    leaves no file. Where all are claimed, or sockets cannot be had, one is shared.
    """

    def __init__(self) -> None:
        self._claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        allowed = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(allowed)
        self.number = allowed[first]
        for number in allowed[first:] + allowed[:first]:
            try:
                self._claim.bind(f"\0echolab-processor-{os.getuid()}-{number}")
            except OSError:
                continue
            self.number = number
            return

    def close(self) -> None:
        """Give the processor back."""
        self._claim.close()
