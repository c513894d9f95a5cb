"""The object that keeps a guest's memory in memory when no file system there can hold it."""

from __future__ import annotations

from pathlib import Path

from echolab.kernel import compiled

SOURCE = Path(__file__).with_name("memfd.c")


def ensure(cache: Path) -> Path | None:
    """The compiled object, made on first use; None if it cannot be made.

    A guest also runs without it, only more slowly: its memory is then a file on a disk.
    """
    return compiled.ensure(SOURCE, cache)
