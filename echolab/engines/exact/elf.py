"""What an ELF file says about itself: its code, the libraries that it needs, what it imports.

Only 64-bit little-endian files are read (elf(5)); nothing is known about others.
"""

from __future__ import annotations

import dataclasses
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01"
HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
ENTRY = struct.Struct("<qQ")

LOAD, DYNAMIC, EXECUTABLE = 1, 2, 1
NEEDED, STRINGS, STRINGS_SIZE, RPATH, RUNPATH = 1, 5, 10, 15, 29


@dataclasses.dataclass(frozen=True)
class _Segment:
    kind: int
    flags: int
    offset: int
    address: int
    size: int


class Elf:
    """An ELF file, open until `close`. Raises OSError or ValueError for anything else."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._segments = tuple(self._read_segments())
            self._entries = tuple(self._read_entries())
        except BaseException as error:
            self.content.close()
            if isinstance(error, struct.error):
                raise ValueError(f"{path} is cut short") from error
            raise

    def close(self) -> None:
        """Release the file."""
        self.content.close()

    def code(self) -> Iterator[tuple[int, int]]:
        """Where its executable segments begin and end, in bytes of the file."""
        for one in self._segments:
            if one.kind == LOAD and one.flags & EXECUTABLE:
                yield one.offset, one.offset + one.size

    def needed(self) -> tuple[str, ...]:
        """The names of the libraries that the loader loads for it."""
        return tuple(self._string(value) for tag, value in self._entries if tag == NEEDED)

    def folders(self) -> tuple[str, ...]:
        """The folders in which the loader looks first; `$ORIGIN` is the file's own."""
        found = (self._string(value) for tag, value in self._entries if tag in (RPATH, RUNPATH))
        return tuple(folder for folders in found for folder in folders.split(":") if folder)

    def names(self, start: bytes) -> bool:
        """Whether a dynamic symbol that it defines or imports begins like that."""
        begin, end = self._strings()
        return self.content.find(b"\0" + start, begin, end) >= 0

    def _read_segments(self) -> Iterator[_Segment]:
        if self.content[: len(MAGIC)] != MAGIC:
            raise ValueError("not a 64-bit little-endian ELF file")
        head = HEADER.unpack_from(self.content)
        first, size, count = head[4], head[8], head[9]
        for number in range(count):
            kind, flags, offset, address, _, length, _, _ = SEGMENT.unpack_from(
                self.content, first + number * size
            )
            yield _Segment(kind, flags, offset, address, length)

    def _read_entries(self) -> Iterator[tuple[int, int]]:
        for segment in self._segments:
            if segment.kind == DYNAMIC:
                for at in range(segment.offset, segment.offset + segment.size, ENTRY.size):
                    tag, value = ENTRY.unpack_from(self.content, at)
                    if tag == 0:
                        return
                    yield tag, value

    def _strings(self) -> tuple[int, int]:
        """Where the names are, in bytes of the file; nowhere in a program without libraries."""
        entries = dict(self._entries)
        address = entries.get(STRINGS, 0)
        for one in self._segments:
            if one.kind == LOAD and one.address <= address < one.address + one.size:
                begin = address - one.address + one.offset
                return begin, begin + entries.get(STRINGS_SIZE, 0)
        return 0, 0

    def _string(self, place: int) -> str:
        begin, end = self._strings()
        stop = self.content.find(b"\0", begin + place, end)
        return self.content[begin + place : max(stop, 0)].decode(errors="replace")
