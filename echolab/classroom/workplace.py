"""A folder for one check, removed at its end, or by a later check if this one is killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from echolab.errors import CannotRun
from echolab.runs import interrupts

DYING = 1.0
"""Seconds within which killed processes end, and stop writing into a folder."""


@contextlib.contextmanager
def workplace(cache: Path) -> Iterator[Path]:
    """A new folder below the cache; its name has the ID of the process that owns it.

    Raises CannotRun if it cannot be created.
    """
    folder = None
    try:
        with interrupts.held():
            folder = _make(cache)
        yield folder
    finally:
        if folder is not None:
            with interrupts.held():
                _remove(folder)


def sweep(cache: Path) -> None:
    """Remove the folders of checks that were killed."""
    with interrupts.held(), contextlib.suppress(OSError):
        for folder in (cache / "checks").iterdir():
            number = folder.name.partition("-")[0]
            if number.isdecimal() and not Path("/proc", number).exists():
                _remove(folder)


def _make(cache: Path) -> Path:
    base = cache / "checks"
    try:
        base.mkdir(parents=True, exist_ok=True)
        sweep(cache)
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base))
    except OSError as error:
        raise CannotRun(
            f"cannot make a folder in {base}: {error.strerror}",
            "free some space there, or set XDG_CACHE_HOME to a writable folder",
        ) from None


def _remove(folder: Path) -> None:
    """Remove it, again if a process that was just killed still wrote into it."""
    deadline = time.monotonic() + DYING
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists() or time.monotonic() >= deadline:
            return
