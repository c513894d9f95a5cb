"""Numbers that all workers of a search see: how far each must go.

Strategy: the numbers are in memory that processes share. Processes of other machines share none, so
there each machine has a file of them in memory, and is told what changes on another one.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import threading
from pathlib import Path
from typing import Protocol

NEVER = 2**62


class Slots:
    """A number for each worker that all of them see: the place of the failure that it found.

    All see it whose processes come from this one. Those that have opened the same `file` see it,
    too; it is made, for failures that nobody has found, where it is not there.
    """

    def __init__(self, workers: int, file: Path | None = None) -> None:
        self._count = workers
        if file is None:
            self._memory = mmap.mmap(-1, 8 * workers)
            for number in range(workers):
                self.set(number, NEVER)
            return
        if not file.exists():
            draft = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}")
            draft.write_bytes(struct.pack("<q", NEVER) * workers)
            with contextlib.suppress(FileExistsError):  # another process of this machine was first
                file.hardlink_to(draft)
            draft.unlink()
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 8 * workers)

    def set(self, number: int, place: int) -> None:
        """Let all know where a worker found its failure."""
        struct.pack_into("<q", self._memory, 8 * number, place)

    def least(self) -> int:
        """The place of the failure that comes first."""
        places: tuple[int, ...] = struct.unpack_from(f"<{self._count}q", self._memory)
        return min(places)


class Board(Protocol):
    """The slots of a search, wherever its workers are; what is set, all of them see in the end."""

    def set(self, number: int, place: int) -> None:
        """Let all workers know where one found its failure; the command calls it."""

    def here(self, folder: Path) -> Slots:
        """The slots of the machine where a worker runs that has this folder."""


class Shared:
    """The slots of processes that come from this one."""

    def __init__(self, count: int) -> None:
        self._slots = Slots(count)

    def set(self, number: int, place: int) -> None:
        """Nothing: the worker that found it has set it."""

    def here(self, folder: Path) -> Slots:
        """The slots that are inherited."""
        return self._slots
