"""Run folders: made under names of their own, removed as a whole, written safely, found again."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from pathlib import Path

from echolab.errors import BadInput, CannotRun
from echolab.record import Record, format

RECORD = "record.json"
REPORT = "report.html"
LATEST = "latest"


def create(base: Path, name: str, engine: str) -> Path:
    """A new folder `TIME-NAME-ENGINE` below `base`. Raises CannotRun if it cannot be made."""
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


def new_file(base: Path, name: str) -> Path:
    """A new, empty file `TIME-NAME` below `base`. Raises CannotRun."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime())
    stem, dot, kind = name.partition(".")
    try:
        for count in itertools.count(1):
            suffix = "" if count == 1 else f"-{count}"
            path = base / f"{stamp}-{stem}{suffix}{dot}{kind}"
            with contextlib.suppress(FileExistsError):
                path.touch(exist_ok=False)
                return path
    except OSError as error:
        raise CannotRun(f"cannot write below {base}: {error.strerror}", "give --out DIR") from None
    raise AssertionError("unreachable")


def remove(folder: Path) -> None:
    """Remove a run's folder and everything in it; an interrupt waits until that is done."""
    interrupt: KeyboardInterrupt | None = None
    while True:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            break
        except KeyboardInterrupt as caught:
            interrupt = caught
        except OSError as error:
            # Interrupted right after it has closed a folder, rmtree closes it once more.
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            interrupt = error.__context__
    if interrupt:
        raise interrupt


def renew(folder: Path) -> None:
    """Empty a run's folder, for example of what a killed worker left there."""
    remove(folder)
    folder.mkdir()


def has_clues(folder: Path) -> bool:
    """Whether a run that broke down left any text or packets that may help to find the cause."""
    return any(path.is_file() and path.stat().st_size > 0 for path in folder.rglob("*"))


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises CannotRun if, for example, the disk is full.

    Names of files that are not valid UTF-8 are written as JSON writes such characters.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        part.replace(path)
    except OSError as error:
        raise CannotRun(f"cannot write {path}: {error.strerror}", "free some space") from None
    finally:
        part.unlink(missing_ok=True)


def point_latest(folder: Path) -> None:
    """Let `latest` beside a run's folder point to it."""
    part = folder.parent / f".{LATEST}.{os.getpid()}"
    try:
        part.unlink(missing_ok=True)
        part.symlink_to(folder.name)
        part.replace(folder.parent / LATEST)
    except OSError:
        # The file system lacks symbolic links, or something of the user's is in the way:
        # the run itself is complete without the link.
        pass
    finally:
        part.unlink(missing_ok=True)


def resolve(run: str, base: Path) -> Path:
    """The folder of the run that the user named: by its path, its name below `base`, or `latest`.

    Raises BadInput if it does not exist.
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
    return format.parse(text, str(path))
