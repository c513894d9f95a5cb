"""The probe's messages: a numbered header, a filling pattern, and how a stream is split."""

from __future__ import annotations

import struct

HEADER = struct.Struct("!4sIII")
"""Magic, probe, number, size: four bytes each, big-endian (network byte order)."""

MAGIC = b"echo"
SMALLEST = HEADER.size

_PATTERN = bytes(value * 167 % 251 for value in range(251))


class GarbledError(Exception):
    """A stream delivered bytes that were never sent; `offset` counts from its beginning."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"from byte {offset} on, the bytes are not those that were sent")
        self.offset = offset


class Framing:
    """How one probe writes its messages and recognizes them: `size` bytes each."""

    def __init__(self, probe: int, size: int) -> None:
        self.probe = probe
        self.size = size
        fill = size - HEADER.size
        self._filling = (_PATTERN * (fill // len(_PATTERN) + 1))[:fill]

    def pack(self, number: int) -> bytes:
        """The message with this number."""
        return HEADER.pack(MAGIC, self.probe, number, self.size) + self._filling

    def number(self, message: bytes) -> int | None:
        """The message's number if it is this probe's, whole and unchanged; otherwise None."""
        number = self.quoted(message)
        return number if number is not None and message == self.pack(number) else None

    def quoted(self, beginning: bytes) -> int | None:
        """The number of a message from its beginning alone, which is what ICMP quotes."""
        if len(beginning) < HEADER.size:
            return None
        magic, probe, number, size = HEADER.unpack_from(beginning)
        ours = (magic, probe, size) == (MAGIC, self.probe, self.size)
        return int(number) if ours else None


class Cutter:
    """Splits a stream into messages, however the network has split or joined its bytes."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._rest = bytearray()
        self._cut = 0

    def feed(self, data: bytes) -> list[int]:
        """The numbers of the messages that `data` completes. Raises GarbledError."""
        self._rest += data
        numbers = []
        size = self._framing.size
        whole = len(self._rest) - len(self._rest) % size
        for start in range(0, whole, size):
            number = self._framing.number(bytes(self._rest[start : start + size]))
            if number is None:
                raise GarbledError(self._cut + start)
            numbers.append(number)
        del self._rest[:whole]
        self._cut += whole
        return numbers
