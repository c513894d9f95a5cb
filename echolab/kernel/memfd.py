"""The object that keeps a guest's memory in memory when no file system there can hold it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from echolab.errors import CannotRun
from echolab.kernel.command import ENVIRONMENT, follow

SOURCE = Path(__file__).with_name("memfd.c")

LIMIT = 60.0
"""Seconds that compiling it may take."""


def ensure(cache: Path) -> Path | None:
    """The compiled object, made on first use; None if it cannot be made.

    A guest also runs without it, only more slowly: its memory is then a file on a disk.
    """
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    place = cache / "kernel" / f"memfd-{digest}.so"
    if place.is_file():
        return place
    if not shutil.which("gcc", path=ENVIRONMENT["PATH"]):
        return None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".memfd-", dir=place.parent) as work:
            made = Path(work) / place.name
            follow(
                ["gcc", "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"],
                folder=Path(work),
                what="compiling memfd.c",
                remedy="",
                limit=LIMIT,
            )
            return made.rename(place)
    except (OSError, CannotRun):
        return None
