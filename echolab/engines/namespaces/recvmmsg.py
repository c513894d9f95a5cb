"""Packets read from a packet socket, many in one system call: recvmmsg(2).

Strategy: in the guest each system call costs some 30 µs of wall time, as much as a packet's way
through the whole lab. Python's `recvmsg` takes two calls for each packet, the second for the name
of the device; one call here takes many. The buffers are made once and used by every capture; what
the kernel changes in the messages' headers (recvmsg(2): the lengths of name and control data, the
flags) is restored from a copy.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence

from echolab.engines.namespaces import linux

AT_ONCE = 64
"""The most packets of one call."""

LARGEST_PACKET = 65536 - 64
"""Bytes of one packet: more than any device of a lab carries (MTU 1500)."""

CONTROL = 64

_SLOT = 65536
_HEADER = struct.Struct("=QI4xQQQQi4xI4x")
"""struct mmsghdr: name, its length, io vector, its length, control, its length, flags, bytes."""
_VECTOR = struct.Struct("=QQ")
_LENGTH = struct.Struct("=56xI4x")
_TIME = struct.Struct("=16xqq")

Stamped = tuple[int, int, bytes]
"""A packet with the kernel's time stamp: seconds, nanoseconds, bytes."""


class Batch:
    """Room for the packets of one call; one batch serves any number of sockets in turn."""

    def __init__(self) -> None:
        self._data = ctypes.create_string_buffer(AT_ONCE * _SLOT)
        self._control = ctypes.create_string_buffer(AT_ONCE * CONTROL)
        self._vectors = ctypes.create_string_buffer(AT_ONCE * _VECTOR.size)
        self._headers = ctypes.create_string_buffer(AT_ONCE * _HEADER.size)
        data, control, vectors = map(ctypes.addressof, (self._data, self._control, self._vectors))
        for slot in range(AT_ONCE):
            _VECTOR.pack_into(
                self._vectors, slot * _VECTOR.size, data + slot * _SLOT, LARGEST_PACKET
            )
            _HEADER.pack_into(
                self._headers,
                slot * _HEADER.size,
                0,
                0,
                vectors + slot * _VECTOR.size,
                1,
                control + slot * CONTROL,
                CONTROL,
                0,
                0,
            )
        self._fresh = self._headers.raw
        self._view = memoryview(self._data)

    def take(self, descriptor: int) -> Sequence[Stamped]:
        """The packets that wait on a socket with SO_TIMESTAMPNS, at most `AT_ONCE` of them.

        Raises OSError if the socket reports an error.
        """
        self._headers.raw = self._fresh
        try:
            taken = linux.recvmmsg(descriptor, self._headers, AT_ONCE)
        except BlockingIOError:
            return ()
        found: list[Stamped] = []
        for slot in range(taken):
            length = _LENGTH.unpack_from(self._headers, slot * _HEADER.size)[0]
            seconds, nanoseconds = _TIME.unpack_from(self._control, slot * CONTROL)
            start = slot * _SLOT
            found.append((seconds, nanoseconds, bytes(self._view[start : start + length])))
        return found
