"""A folder for one check, removed at its end, or by a later check where it was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from echolab.errors import CannotRun


@contextlib.contextmanager
def workplace(cache: Path) -> Iterator[Path]:
    """A new folder below the cache; its name has the number of the process that owns it.

    Raises CannotRun where none can be made.
    """
    base = cache / "checks"
    try:
        base.mkdir(parents=True, exist_ok=True)
        _sweep(base)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base))
    except OSError as error:
        raise CannotRun(f"cannot make a folder in {base}: {error.strerror}", "free some") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(base: Path) -> None:
    for folder in base.iterdir():
        number = folder.name.partition("-")[0]
        if number.isdecimal() and not Path("/proc", number).exists():
            shutil.rmtree(folder, ignore_errors=True)
