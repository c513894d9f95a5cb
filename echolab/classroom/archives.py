"""Archives as people hand them in, unpacked so that they cannot do harm.

Only regular files are unpacked, and only below the target. The sizes that an archive states are
not trusted: bytes are counted as they are written, so that a small archive with a huge file ends as
an error, not as a full disk. An archive within an archive stays packed.
"""

from __future__ import annotations

import dataclasses
import lzma
import os
import shutil
import stat
import tarfile
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing
from pathlib import Path, PurePosixPath
from typing import IO

from echolab.errors import BadInput

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Endings of names of archives that can be unpacked, in lower case."""

UNREADABLE = (".7z", ".rar", ".tar.zst")
"""Endings of archives that cannot be unpacked."""

LONGEST_NAME = 255
"""The most bytes of a file's name (NAME_MAX, pathname(7))."""

UTF8_NAMES = 0x800
"""The flag of a zip member whose name is in UTF-8 (.ZIP File Format Specification, 4.4.4)."""

ENCRYPTED = 0x1
"""The flag of a zip member that needs a password (the same)."""

PASSED_OVER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
"""Files that the systems add to archives by themselves."""

BLOCK = 1 << 16


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The most files, and the most bytes together, that an archive may hold."""

    files: int
    size: int


ONE_STUDENT = Bounds(files=2000, size=64 << 20)
"""Limits for one student's submission; what is checked of it is limited again."""

WHOLE_CLASS = Bounds(files=200_000, size=16 << 30)
"""Limits for a download with the submissions of a class."""


@dataclasses.dataclass(frozen=True)
class _Member:
    """A file in an archive: its name there, when it was changed, whether it is executable."""

    name: str
    changed: float
    executable: bool
    open: Callable[[], AbstractContextManager[IO[bytes]]]


def is_archive(name: str) -> bool:
    """Whether a file of that name is an archive that can be unpacked."""
    return name.lower().endswith(ENDINGS)


def is_unreadable(name: str) -> bool:
    """Whether a file of that name is an archive of a kind that cannot be unpacked."""
    return name.lower().endswith(UNREADABLE)


def is_packed(name: str) -> bool:
    """Whether a file of that name holds others, whether or not it can be unpacked."""
    return is_archive(name) or is_unreadable(name)


def stem(name: str) -> str:
    """An archive's name without its ending."""
    ending = max((end for end in ENDINGS if name.lower().endswith(end)), key=len, default="")
    return name[: len(name) - len(ending)] if ending else name


def unpack(archive: Path, target: Path, bounds: Bounds = ONE_STUDENT) -> tuple[str, ...]:
    """Unpack an archive into the folder `target`; return what was left out, and why.

    Raises BadInput if it is damaged, needs a password or exceeds the limits; then `target` is
    empty again. Raises OSError if something cannot be read or written.
    """
    if is_unreadable(archive.name):
        raise BadInput(f"{archive.name} cannot be unpacked", "hand in a .zip or a .tar.gz")
    unpacking = _Unpacking(target, bounds)
    try:
        members = _zip(archive, unpacking) if _is_zip(archive) else _tar(archive, unpacking)
        with closing(members):
            for member in members:
                unpacking.take(member)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        unpacking.undo()
        raise BadInput(f"{archive.name} is damaged: {error}", "hand it in again") from None
    except (NotImplementedError, RuntimeError, ValueError) as error:
        unpacking.undo()
        raise BadInput(
            f"{archive.name} cannot be unpacked: {error}", "pack it as a plain .zip"
        ) from None
    except OSError:
        unpacking.undo()
        raise
    except BadInput as error:
        unpacking.undo()
        raise BadInput(f"{archive.name} {error.message}", error.remedy) from None
    return tuple(unpacking.left_out)


class _Unpacking:
    """Where files go, how many bytes are left, and what was left out."""

    def __init__(self, target: Path, bounds: Bounds) -> None:
        self._target = target
        self._bounds = bounds
        self._left = bounds.size
        self._files = 0
        self.left_out: list[str] = []

    def count(self) -> None:
        """Count a member: a file, a folder, or anything else."""
        self._files += 1
        if self._files > self._bounds.files:
            raise BadInput(f"holds more than {self._bounds.files} files", "hand in less")

    def leave_out(self, name: str, why: str) -> None:
        """Note that a member is not unpacked."""
        self.left_out.append(f"{printable(name)} ({why})")

    def take(self, member: _Member) -> None:
        """Unpack one file, if its place is below the target and free."""
        try:
            inside = safe_path(member.name)
        except BadInput as error:
            self.leave_out(member.name, error.message)
            return
        if any(part in PASSED_OVER for part in inside.parts):
            return
        path = self._target / inside
        try:
            _make_folder(path.parent)
            file = path.open("xb")
        except (FileExistsError, NotADirectoryError):
            self.leave_out(member.name, "another file has its name")
            return
        with file, member.open() as stream:
            while data := stream.read(BLOCK):
                self._left -= len(data)
                if self._left < 0:
                    size = self._bounds.size >> 20
                    raise BadInput(f"unpacks to more than {size} MiB", "hand in less")
                file.write(data)
        path.chmod(0o755 if member.executable else 0o644)
        os.utime(path, (member.changed, member.changed))

    def undo(self) -> None:
        """Remove everything that was unpacked."""
        if self._target.is_dir():
            for path in self._target.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def printable(name: str) -> str:
    """A name for a terminal: without control characters and bytes that are not text."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def safe_path(name: str) -> PurePosixPath:
    """The path of a member below the target, in composed letters (Unicode's form NFC).

    Windows writes `\\` between folders. Raises BadInput if the path leads elsewhere, or if no file
    can have that name.
    """
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    path = PurePosixPath(text)
    if text.startswith("/") or text[1:3] == ":/" or ".." in path.parts or not path.parts:
        raise BadInput("its path is not below the archive's folder")
    if "\0" in text:
        raise BadInput("its name has a zero byte")
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in path.parts):
        raise BadInput(f"its name is longer than {LONGEST_NAME} bytes")
    return path


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, readable by everybody whatever the umask is."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _is_zip(archive: Path) -> bool:
    """The kind of an archive by its content, not by its name: people rename archives."""
    return zipfile.is_zipfile(archive) and not tarfile_begins(archive)


def tarfile_begins(archive: Path) -> bool:
    """Whether an uncompressed tar archive begins there; it may have a zip at its end."""
    with archive.open("rb") as stream:
        return stream.read(262)[257:] == b"ustar"


def _zip(archive: Path, unpacking: _Unpacking) -> Generator[_Member, None, None]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            unpacking.count()
            name = _zip_name(info)
            mode = info.external_attr >> 16
            if info.is_dir():
                continue
            if info.flag_bits & ENCRYPTED:
                raise BadInput("needs a password", "pack it without one")
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                unpacking.leave_out(name, "a link, or not a regular file")
                continue
            yield _Member(name, _zip_time(info), bool(mode & 0o111), _opener(opened, info))


def _opener(
    opened: zipfile.ZipFile, info: zipfile.ZipInfo
) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    return lambda: opened.open(info)


def _given(stream: IO[bytes]) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    return lambda: stream


def _zip_name(info: zipfile.ZipInfo) -> str:
    """A member's name. Many programs write UTF-8 without saying so; Python decoded it as cp437."""
    if info.flag_bits & UTF8_NAMES:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


def _tar(archive: Path, unpacking: _Unpacking) -> Generator[_Member, None, None]:
    with tarfile.open(archive, "r:*", encoding="utf-8", errors="surrogateescape") as opened:
        while (info := opened.next()) is not None:
            unpacking.count()
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                unpacking.leave_out(info.name, "a link, or not a regular file")
                continue
            stream = opened.extractfile(info)
            assert stream is not None
            mode = info.mode
            yield _Member(info.name, max(info.mtime, 0), bool(mode & 0o111), _given(stream))
