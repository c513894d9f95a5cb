"""One processor for each guest, so that guests do not share one while others are free.

Strategy: a guest's kernel and its program take turns and never run at the same time. They
hand over with a futex some thousand times a second. On one processor that is a plain
context switch. On two, each turn waits for the other processor to wake up, which doubles
the total time.
"""

from __future__ import annotations

import os
import socket


class Processor:
    """A processor claimed until `close`: `number` is one of those that this process may use.

    A claim is the name of an abstract UNIX socket (unix(7)): it vanishes with its process
    and leaves no file. If all processors are claimed, or no name can be bound, one is shared.
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
        """Release the processor."""
        self._claim.close()
