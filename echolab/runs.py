"""Run folders: made under a name of their own, written whole, found again."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from pathlib import Path

from echolab import record as records
from echolab.errors import BadInput, CannotRun
from echolab.record import Record

RECORD = "record.json"
REPORT = "report.html"
LATEST = "latest"


def create(base: Path, name: str, engine: str) -> Path:
    """A new folder `TIME-NAME-ENGINE` below `base`. Raises CannotRun where it cannot be made."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime())
    try:
        base.mkdir(parents=True, exist_ok=True)
        for count in itertools.count(1):
            suffix = "" if count == 1 else f"-{count}"
            folder = base / f"{stamp}-{name}-{engine}{suffix}"
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise CannotRun(
            f"cannot make a run's folder below {base}: {error.strerror}", "give --out DIR"
        ) from None
    raise AssertionError("unreachable")


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises CannotRun where the disk is full, say."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CannotRun(f"cannot write {path}: {error.strerror}", "free some space") from None


def point_latest(folder: Path) -> None:
    """Let `latest` beside a run's folder point to it."""
    part = folder.parent / f".{LATEST}.{os.getpid()}"
    try:
        part.unlink(missing_ok=True)
        part.symlink_to(folder.name)
        part.replace(folder.parent / LATEST)
    except OSError:
        # A file system without symbolic links, or something of the user's in its place:
        # the run itself is whole without it.
        part.unlink(missing_ok=True)


def resolve(run: str, base: Path) -> Path:
    """The folder of a run that the user named: a path, a name below `base`, or `latest`.

    Raises BadInput where there is none.
    """
    for candidate in (Path(run), base / run):
        if candidate.is_file():
            return candidate.resolve().parent
        if (candidate / RECORD).is_file():
            return candidate.resolve()
    raise BadInput(f"there is no run '{run}'", f"see the folders below {base}, or run one")


def read(folder: Path) -> Record:
    """The record of a run. Raises BadInput for one that cannot be read."""
    path = folder / RECORD
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}", "run the scenario again") from None
    return records.parse(text, str(path))
