"""How a probe's messages travel: as datagrams, or as the bytes of a stream.

Both kinds of channel are non-blocking. A channel offers what `pacing` needs: take a
message, say whether it waits to write, read once, report what went wrong.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import time
from typing import NamedTuple, Protocol

from echo_app.message import Cutter, Framing, GarbledError

Target = tuple[str, int]
"""Address and port."""

BUFFER = 4 << 20
"""Bytes asked for to send and to receive; the kernel gives what net.core.[rw]mem_max allows."""

IP_RECVERR = 11
"""<linux/in.h>, ip(7): queue ICMP errors, each with the datagram that caused it."""

_EXTENDED_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err, <linux/errqueue.h>."""

_ORIGIN_ICMP = 2


class Reply(NamedTuple):
    """Message `number` came back `at` this time (CLOCK_MONOTONIC, nanoseconds)."""

    number: int
    at: int


class Trouble(NamedTuple):
    """Something went wrong, with message `number` if that is known."""

    number: int | None
    why: str
    at: int


class Channel(Protocol):
    """What carries the messages of one probe."""

    ended: str
    """Why nothing more can come; empty while something can."""

    blocked: bool
    """Whether the channel waits until it can write."""

    repeats: bool
    """Whether a message can arrive twice."""

    @property
    def takes(self) -> bool:
        """Whether a message can be offered now."""

    def fileno(self) -> int:
        """The descriptor to wait for."""

    def offer(self, number: int) -> bool:
        """Take a message to send; False if it must be offered again. Raises OSError."""

    def resume(self) -> None:
        """Go on after `blocked`: the descriptor is writable."""

    def receive(self) -> list[Reply]:
        """Read once, without waiting."""

    def troubles(self) -> list[Trouble]:
        """What has gone wrong since the last call."""


class DatagramChannel:
    """A connected UDP socket: only the target's datagrams count.

    Raises OSError if it cannot be created.
    """

    repeats = True

    def __init__(self, target: Target, source_port: int, framing: Framing) -> None:
        self.ended = ""
        self.blocked = False
        self._framing = framing
        self._troubles: list[Trouble] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            self.socket.setblocking(False)
            self.socket.bind(("", source_port))
        except OSError:
            self.socket.close()
            raise
        status = self.socket.connect_ex(target)
        if status:
            self.ended = os.strerror(status)

    @property
    def takes(self) -> bool:
        return not self.blocked

    def fileno(self) -> int:
        return self.socket.fileno()

    def offer(self, number: int) -> bool:
        """Strategy: a send reports the ICMP error of an earlier datagram as its own. If
        the error queue was not empty, the error came from there, and this datagram is
        sent again.
        """
        message = self._framing.pack(number)
        while True:
            try:
                self.socket.send(message)
            except BlockingIOError:
                self.blocked = True
                return False
            except OSError:
                if not self._collect():
                    raise
            else:
                return True

    def resume(self) -> None:
        self.blocked = False

    def receive(self) -> list[Reply]:
        try:
            datagram = self.socket.recv(65535)
        except OSError as error:
            # A datagram with a wrong checksum makes the socket readable and is then dropped.
            if not self._collect() and not isinstance(error, BlockingIOError):
                self._note(None, error.strerror or str(error))
            return []
        at = time.monotonic_ns()
        number = self._framing.number(datagram)
        if number is None:
            self._note(None, f"a datagram of {len(datagram)} bytes that this probe did not send")
            return []
        return [Reply(number, at)]

    def troubles(self) -> list[Trouble]:
        troubles, self._troubles = self._troubles, []
        return troubles

    def close(self) -> None:
        self.socket.close()

    def _collect(self) -> bool:
        """Move the socket's error queue into `_troubles`; False if it was empty."""
        found = False
        with contextlib.suppress(BlockingIOError):
            while True:
                quoted, ancillary, _, _ = self.socket.recvmsg(65535, 512, socket.MSG_ERRQUEUE)
                found = True
                for level, kind, data in ancillary:
                    if (level, kind) == (socket.IPPROTO_IP, IP_RECVERR):
                        self._note(self._framing.quoted(quoted), describe(data))
        return found

    def _note(self, number: int | None, why: str) -> None:
        self._troubles.append(Trouble(number, why, time.monotonic_ns()))


def describe(extended_error: bytes) -> str:
    """One line for a struct sock_extended_err and the address of whoever reported it."""
    number, origin, kind, code, _, _, _ = _EXTENDED_ERROR.unpack_from(extended_error)
    if origin != _ORIGIN_ICMP:
        return os.strerror(number)
    offender = socket.inet_ntoa(extended_error[_EXTENDED_ERROR.size + 4 :][:4])
    return f"{os.strerror(number)} (ICMP type {kind} code {code} from {offender})"


class StreamChannel:
    """One TCP connection, from the first SYN on. Raises OSError if it cannot be started.

    What the kernel does not take yet waits in the channel's own queue, so that the
    schedule does not depend on the peer.
    """

    repeats = False
    takes = True

    def __init__(self, target: Target, source_port: int, framing: Framing) -> None:
        self.ended = ""
        self.blocked = True
        self.connected_at: int | None = None
        self._framing = framing
        self._cutter = Cutter(framing)
        self._queue = bytearray()
        self._broken = ""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.setblocking(False)
            if source_port:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.socket.bind(("", source_port))
        except OSError:
            self.socket.close()
            raise
        status = self.socket.connect_ex(target)
        if status not in (0, errno.EINPROGRESS):
            self.ended = os.strerror(status)

    def fileno(self) -> int:
        return self.socket.fileno()

    def offer(self, number: int) -> bool:
        if not self._broken:
            self._queue += self._framing.pack(number)
            if self.connected_at is not None:
                self._flush()
        return True

    def resume(self) -> None:
        if self.connected_at is None:
            status = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if status:
                self.ended = os.strerror(status)
                return
            self.connected_at = time.monotonic_ns()
        self._flush()

    def _flush(self) -> None:
        """Strategy: a failed send does not end the channel, because replies that arrived
        before a reset can still be read. Reading then finds the end.
        """
        try:
            while self._queue:
                del self._queue[: self.socket.send(self._queue)]
        except BlockingIOError:
            pass
        except OSError as error:
            self._broken = error.strerror or str(error)
            self._queue.clear()
        self.blocked = bool(self._queue)

    def receive(self) -> list[Reply]:
        if self.connected_at is None:
            return []
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return []
        except OSError as error:
            self.ended = error.strerror or str(error)
            return []
        at = time.monotonic_ns()
        if not data:
            self.ended = self._broken or "the peer closed the connection"
            return []
        try:
            return [Reply(number, at) for number in self._cutter.feed(data)]
        except GarbledError as error:
            self.ended = str(error)
            return []

    def troubles(self) -> list[Trouble]:
        return []

    def half_close(self) -> None:
        """Shut down sending; what the peer sends can still be read."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()
