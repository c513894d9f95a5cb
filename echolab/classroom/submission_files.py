"""A submission's files: read where they are, and copied to where the guest sees them.

Nothing in a submission is trusted. Only regular files are copied, up to a limit. From a build's
results, only regular files inside the folder are unpacked. Modes are set, whatever the umask is:
each host writes to a layer of its own above the copy.
"""

from __future__ import annotations

import os
import stat
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from echolab.classroom import projects, text_files
from echolab.classroom.languages import LANGUAGES
from echolab.classroom.recipe import MAKEFILES, RUN, SOURCES
from echolab.errors import BadInput, CannotRun

LARGEST = 64 << 20
"""The most bytes of all files of a submission together."""

LARGEST_BUILD = 256 << 20
"""The most bytes of a build's results together."""

MOST_FILES = 5000

PASSED_OVER = frozenset(
    {
        "__pycache__", "__MACOSX", "Thumbs.db", "desktop.ini", "predictions.txt", ".DS_Store",
        ".git", ".hg", ".svn", ".idea", ".vs", ".vscode", ".settings", ".gradle", ".venv",
        ".mypy_cache", ".pytest_cache",
    }
)  # fmt: skip
"""Names that belong not to the program, but to the tools with which it was written."""

PREDICTIONS = "predictions.txt"
"""The file of a submission that holds the student's predictions."""

LONGEST_PREDICTIONS = 64 << 10

PACKAGE = frozenset({"__init__.py", "__main__.py"})
"""Files that make a folder a Python package."""

STARTS = frozenset({RUN, *MAKEFILES, *projects.FILES})
"""Files besides sources that mark the folder of a program."""

Found = list[tuple[str, Path]]


def located(given: Path) -> Path:
    """The path as the disk spells it, if it has umlauts in Unicode's other normal form."""
    if given.exists():
        return given
    here = Path(given.anchor)
    for part in given.parts[1:] if given.anchor else given.parts:
        here = here / part
        if not here.exists() and here.parent.is_dir():
            wanted = unicodedata.normalize("NFC", part)
            alike = (n for n in here.parent.iterdir() if _composed(n.name) == wanted)
            here = next(alike, here)
    return here


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def pack(submission: Path, target: Path) -> dict[str, bool]:
    """Copy a submission, a folder or one file, into the new folder `target`.

    Returns the names of its files, each with whether it is executable. Raises BadInput if it cannot
    be read, has no files or too many, or is too large. If it may be an archive, call
    `staging.unpacked` first.
    """
    sources = _files(submission)
    if not sources:
        raise BadInput(f"{submission} has no files", "hand in a program")
    left = LARGEST
    _make_folder(target)
    known = dict(sources)
    names: dict[str, bool] = {}
    for name, source in sources:
        data, found = _read(source, left)
        left -= len(data)
        linked = text_files.linked_to(name, data, known)
        if linked is not None:
            data, found = _read(known[linked], left)
        data = text_files.normalized(name, data)
        executable = bool(found.st_mode & 0o111) or (name == RUN and data.startswith(b"#!"))
        _write(target / name, data, executable, found.st_mtime_ns)
        names[name] = executable
    return names


def _files(submission: Path) -> Found:
    try:
        mode = submission.stat().st_mode
    except OSError as error:
        raise BadInput(
            f"cannot read the submission {submission}: {error.strerror}", "check the path"
        ) from None
    if stat.S_ISREG(mode):
        return [(_composed(submission.name), submission)]
    if not stat.S_ISDIR(mode):
        raise BadInput(f"{submission} is neither a file nor a folder", "give one of them")
    top = innermost(submission)
    found: Found = []
    taken: set[str] = set()
    for path in _walk(top, top.resolve()):
        name = _composed(str(path.relative_to(top)))
        if name in taken:
            name = str(path.relative_to(top))
        taken.add(name)
        found.append((name, path))
        if len(found) > MOST_FILES:
            raise BadInput(
                f"{submission} has more than {MOST_FILES} files", "hand in the program alone"
            )
    return sorted(found)


def _walk(folder: Path, top: Path, *, linked: bool = False) -> Iterator[Path]:
    """The regular files below a folder; those that links within the submission lead to as well."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise BadInput(f"cannot read {folder}: {error.strerror}", "check its permissions") from None
    for path in entries:
        if not _carried(path):
            continue
        if path.is_symlink() and (linked or not _inside(path, top)):
            continue
        if path.is_dir():
            yield from _walk(path, top, linked=linked or path.is_symlink())
        elif path.is_file():
            yield path


def _inside(link: Path, top: Path) -> bool:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_relative_to(top) and not link.parent.resolve().is_relative_to(target)


def innermost(submission: Path) -> Path:
    """The folder that holds the program, if the folders around it hold none."""
    while True:
        try:
            inside = [path for path in submission.iterdir() if _carried(path)]
        except OSError:
            return submission
        folders = [path for path in inside if path.is_dir() and not path.is_symlink()]
        if any(path.name in STARTS or path.suffix in LANGUAGES for path in inside):
            return submission
        held = [path for path in folders if _holds_program(path)]
        chosen = held if len(held) == 1 else folders if len(inside) == 1 else []
        if len(chosen) != 1 or chosen[0].name == SOURCES:
            return submission
        if any((chosen[0] / name).exists() for name in PACKAGE):
            return submission
        submission = chosen[0]


def _holds_program(folder: Path) -> bool:
    return (
        any(path.name in STARTS or path.suffix in LANGUAGES for path in folder.iterdir())
        or (folder / SOURCES).is_dir()
    )


def _carried(path: Path) -> bool:
    name = path.name
    if name in PASSED_OVER or name.startswith("._"):
        return False
    if name == "target" and any((path.parent / one).exists() for one in ("Cargo.toml", "pom.xml")):
        return False
    return not (path / "pyvenv.cfg").exists()


def check_shown(folder: Path) -> None:
    """Raise CannotRun if the copy in `folder` has a file that a program could not read.

    A program runs as another user: it may read only what everybody may read.
    """
    for path in (folder, *folder.rglob("*")):
        wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
        if path.stat().st_mode & wanted != wanted:
            raise CannotRun(
                f"the copy of the submission cannot be shown to its program: {path.name} is not "
                "for everybody to read",
                "check the file system of the cache (XDG_CACHE_HOME), then check again",
            )


def _read(source: Path, left: int) -> tuple[bytes, os.stat_result]:
    try:
        with open(source, "rb", opener=_without_waiting) as stream:
            found = os.fstat(stream.fileno())
            data = stream.read(left + 1) if stat.S_ISREG(found.st_mode) else b""
    except OSError as error:
        raise BadInput(f"cannot read {source}: {error.strerror}", "check its permissions") from None
    if len(data) > left:
        raise BadInput(
            f"the submission is larger than {LARGEST >> 20} MiB", "hand in the program alone"
        )
    return data, found


def _without_waiting(path: str, flags: int) -> int:
    """Open a file that may have become a pipe since it was looked at."""
    return os.open(path, flags | os.O_NONBLOCK)


def _write(target: Path, data: bytes, executable: bool, changed: int) -> None:
    _make_folder(target.parent)
    target.unlink(missing_ok=True)
    target.write_bytes(data)
    target.chmod(0o777 if executable else 0o666)
    os.utime(target, ns=(changed, changed))


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for everybody to use, whatever the umask is."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o777)


def unpack(archive: Path, folder: Path) -> None:
    """Add a build's results to the folder. Raises BadInput if the archive is not valid."""
    try:
        with tarfile.open(archive, mode="r:*", errors="surrogateescape") as tar:
            left = LARGEST_BUILD
            while (member := tar.next()) is not None:
                left = _unpack_one(tar, member, folder, left)
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise BadInput(f"cannot read what the build made: {error}", "correct the build") from None


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, left: int) -> int:
    path = (folder / member.name).resolve()
    stream = tar.extractfile(member) if member.isreg() else None
    if stream is None or not path.is_relative_to(folder.resolve()):
        return left
    data = stream.read(left + 1)
    if len(data) > left:
        raise BadInput("the build made too much", f"make at most {LARGEST_BUILD >> 20} MiB")
    _write(path, data, bool(member.mode & 0o111), int(member.mtime * 10**9))
    return left - len(data)


def predictions(submission: Path) -> str:
    """The text of a submission's predictions; empty if it has none."""
    if not submission.is_dir():
        return ""
    for folder in dict.fromkeys((submission, innermost(submission))):
        path = folder / PREDICTIONS
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            with path.open("rb") as stream:
                data = stream.read(LONGEST_PREDICTIONS)
        except OSError:
            continue
        return text_files.normalized(PREDICTIONS, data).decode(errors="replace")
    return ""
