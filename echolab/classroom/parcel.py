"""A submission's files: taken from where they are, carried to where the guest sees them.

Nothing in a submission is trusted: only regular files are copied, up to a limit, and of
what a build made only regular files inside the folder are unpacked.
"""

from __future__ import annotations

import base64
import io
import os
import stat
import tarfile
from pathlib import Path

from echolab.errors import BadInput

LARGEST = 16 << 20
"""Bytes that all files of a submission may have together."""

MOST_FILES = 500

PASSED_OVER = frozenset({"__pycache__", "node_modules", "predictions.txt"})
"""Names that are no part of the program; names that begin with a dot are none, either."""

PREDICTIONS = "predictions.txt"
"""The file of a submission that holds the student's predictions."""

LONGEST_PREDICTIONS = 64 << 10


def pack(submission: Path, target: Path) -> dict[str, bool]:
    """Copy a submission, a folder or one file, into the new folder `target`.

    Returns the names of its files, each with whether it may be executed. Raises BadInput
    where there is none, or where it is too large.
    """
    sources = _files(submission)
    if not sources:
        raise BadInput(f"{submission} has no files", "hand in a program")
    names: dict[str, bool] = {}
    left = LARGEST
    target.mkdir()
    for name, source in sources:
        left -= _copy(source, target / name, left)
        names[name] = os.access(target / name, os.X_OK)
    return names


def _files(submission: Path) -> list[tuple[str, Path]]:
    try:
        mode = submission.stat().st_mode
    except OSError as error:
        raise BadInput(
            f"cannot read the submission {submission}: {error.strerror}", "check the path"
        ) from None
    if stat.S_ISREG(mode):
        return [(submission.name, submission)]
    if not stat.S_ISDIR(mode):
        raise BadInput(f"{submission} is neither a file nor a folder", "hand in one of them")
    found: list[tuple[str, Path]] = []
    for folder, folders, files in os.walk(submission):
        folders[:] = sorted(name for name in folders if _carried(name))
        for name in sorted(files):
            path = Path(folder, name)
            if _carried(name) and stat.S_ISREG(path.lstat().st_mode):
                found.append((str(path.relative_to(submission)), path))
        if len(found) > MOST_FILES:
            raise BadInput(
                f"{submission} has more than {MOST_FILES} files", "hand in the program alone"
            )
    return found


def _carried(name: str) -> bool:
    return not name.startswith(".") and name not in PASSED_OVER


def _copy(source: Path, target: Path, left: int) -> int:
    try:
        with source.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(left + 1) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise BadInput(f"cannot read {source}: {error.strerror}", "check its rights") from None
    if len(data) > left:
        raise BadInput(
            f"the submission is larger than {LARGEST >> 20} MiB", "hand in the program alone"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(0o755 if mode & 0o111 else 0o644)
    return len(data)


def unpack(archive: str, folder: Path) -> None:
    """Add what a build made to the folder. Raises BadInput for what is no such archive."""
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(archive)), mode="r:gz") as tar:
            left = LARGEST
            while (member := tar.next()) is not None:
                left = _unpack_one(tar, member, folder, left)
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise BadInput(f"what the build made cannot be read: {error}", "mend the build") from None


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, left: int) -> int:
    path = (folder / member.name).resolve()
    stream = tar.extractfile(member) if member.isreg() else None
    if stream is None or not path.is_relative_to(folder.resolve()):
        return left
    data = stream.read(left + 1)
    if len(data) > left:
        raise BadInput("the build made too many bytes", f"at most {LARGEST >> 20} MiB")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    path.chmod(0o755 if member.mode & 0o111 else 0o644)
    return left - len(data)


def predictions(submission: Path) -> str:
    """The text of a submission's predictions, empty where it has none."""
    path = submission / PREDICTIONS
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return ""
        with path.open("rb") as stream:
            return stream.read(LONGEST_PREDICTIONS).decode(errors="replace")
    except OSError:
        return ""
