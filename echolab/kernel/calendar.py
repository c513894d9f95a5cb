"""A calendar that holds a guest's clock: virtual time goes on when it says so, and no further.

The protocol is that of include/uapi/linux/um_timetravel.h (`time-travel=ext:`): the guest asks
for the next moment at which it has something to do, and waits until the calendar lets it run. With
`FREE_UNTIL` it may go on without asking until then.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from echolab.kernel.arguments import BOOT_TIME

SOCKET = "clock"
"""The socket's name in the run's folder, which is the kernel process's working directory."""

_MESSAGE = struct.Struct("=IIQ")
ACK, START, REQUEST, WAIT, GET, UPDATE, RUN, FREE_UNTIL, GET_TOD = range(9)

NEVER = (1 << 63) - 1
"""The moment, in nanoseconds, to which nothing comes."""

FOR_EVER = math.inf
"""What to allow a guest that may run to its end."""


class Calendar:
    """Grants a guest its time: all of it up to the moment `allow` has named.

    The socket is made in `folder`. `stopped` is called, by the thread that serves the guest,
    whenever the guest would go beyond what it is allowed, with the moment to which it would go
    next; so it may allow more. Moments are nanoseconds since the guest's boot. While the guest
    waits for more nothing runs, here or there.
    """

    def __init__(self, folder: Path, stopped: Callable[[int], None] = lambda moment: None) -> None:
        self._stopped = stopped
        self._allowed: float = 0
        self._closed = False
        self._more = threading.Condition()
        self._guest: socket.socket | None = None
        self._server = socket.socket(socket.AF_UNIX)
        self._path = folder / SOCKET
        place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:  # a socket's path must be short (unix(7)), and the folder's need not be
            self._server.bind(f"/proc/self/fd/{place}/{SOCKET}")
            self._server.listen(1)
        except BaseException:
            self._server.close()
            raise
        finally:
            os.close(place)
        self._thread = threading.Thread(target=self._serve, name="echolab clock", daemon=True)
        self._thread.start()

    def allow(self, moment: float) -> None:
        """Let the guest run up to that moment; `FOR_EVER` lets it run to its end."""
        with self._more:
            self._allowed = moment
            self._more.notify_all()

    def close(self) -> None:
        """Hold no clock any more; the guest must have ended or be about to be killed."""
        with self._more:
            self._closed = True
            self._more.notify_all()
        for one in (self._guest, self._server):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            self._guest, _ = self._server.accept()
            with self._guest:
                self._answer_all(self._guest)

    def _answer_all(self, guest: socket.socket) -> None:
        now = wanted = 0
        number = 0
        while True:
            kind, sequence, time = _receive(guest)
            if kind == REQUEST:
                wanted = time
            elif kind == UPDATE:
                now = time
            answer = {GET: now, GET_TOD: BOOT_TIME}.get(kind, 0)
            guest.sendall(_MESSAGE.pack(ACK, sequence, answer))
            if kind != WAIT:
                continue
            if not self._await(wanted):
                return
            now = wanted
            for order, moment in ((FREE_UNTIL, int(min(self._allowed, NEVER))), (RUN, now)):
                number += 1
                guest.sendall(_MESSAGE.pack(order, number, moment))
                _receive(guest)

    def _await(self, wanted: int) -> bool:
        """Wait until the guest may go on to `wanted`; False if it never may."""
        if wanted > self._allowed:
            self._stopped(wanted)
        with self._more:
            self._more.wait_for(lambda: self._closed or wanted <= self._allowed)
            return not self._closed


def _receive(guest: socket.socket) -> tuple[int, int, int]:
    data = guest.recv(_MESSAGE.size, socket.MSG_WAITALL)
    if len(data) < _MESSAGE.size:
        raise EOFError
    kind, sequence, time = _MESSAGE.unpack(data)
    return kind, sequence, time
