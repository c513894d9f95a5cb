"""Submissions restored: unpacked, put together from files, under the names their students gave.

A submission that lies there as its student made it is checked where it is. Any other one gets a
folder of its own.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from echolab.classroom import archives, platforms
from echolab.classroom.languages import LANGUAGES
from echolab.classroom.submission_files import PREDICTIONS, STARTS
from echolab.errors import BadInput

LONGEST_LABEL = 120
"""The most bytes of a label, so that endings can be added to it."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors that are not about one submission: nothing more can be written."""

LARGEST_PAGE = 1 << 20
"""The most bytes of a page of typed text that are read."""


@dataclasses.dataclass(frozen=True)
class HandedIn:
    """What one student, or one team, has handed in.

    `label` names it in reports and is a file's name; no two are the same. `name` and `number` are
    the platform's, `place` is the folder, or the beginning of the names, that it gave to their
    files; feedback goes there. `path` is what is checked, unless `refused` says why there is
    nothing. `remarks` tell what was left out or taken for something else.
    """

    label: str
    path: Path
    name: str = ""
    number: str = ""
    place: str = ""
    late: bool = False
    remarks: tuple[str, ...] = ()
    refused: str = ""


def visible(folder: Path) -> list[Path]:
    """A folder's content by name, without links and what systems add by themselves."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith((".", "~"))
        and path.name not in archives.PASSED_OVER
        and not path.is_symlink()
    )


@dataclasses.dataclass(frozen=True)
class Piece:
    """A file or a folder of a student, and its name in the submission."""

    path: Path
    name: str = ""
    typed: bool = False


class Staging:
    """Restores submissions in folders of their own, unless they are in one already."""

    def __init__(self, staging: Path, restore_all: bool) -> None:
        self._staging = staging
        self._all = restore_all
        self._labels: set[str] = set()

    def label(self, name: str) -> str:
        """A label that no other has, even on systems that ignore upper and lower case."""
        clean = archives.printable(name).replace("/", "_").strip() or "nobody"
        label = _shortened(clean)
        number = 1
        while label.casefold() in self._labels:
            number += 1
            label = f"{_shortened(clean)}-{number}"
        self._labels.add(label.casefold())
        return label

    def restore(self, handed_in: HandedIn, pieces: Sequence[Piece]) -> HandedIn:
        """The submission that these pieces make, or why they make none."""
        folder = self._staging / handed_in.label
        remarks = [*handed_in.remarks]
        refused = ""
        try:
            if self._is_as_it_was(pieces):
                return dataclasses.replace(handed_in, path=pieces[0].path)
            folder.mkdir(parents=True)
            for piece in pieces:
                remarks += _restore(piece, folder, alone=len(pieces) == 1)
        except BadInput as error:
            refused = str(error)
        except OSError as error:
            if error.errno in FULL:
                raise
            refused = f"{error.filename} cannot be read: {error.strerror}"
        return dataclasses.replace(handed_in, path=folder, remarks=tuple(remarks), refused=refused)

    def _is_as_it_was(self, pieces: Sequence[Piece]) -> bool:
        """Whether a submission can be checked where it lies."""
        if self._all or len(pieces) != 1 or pieces[0].typed:
            return False
        return not _must_be_restored(pieces[0].path, pieces[0].name)


def _shortened(name: str) -> str:
    data = name.encode()
    if len(data) <= LONGEST_LABEL:
        return name
    digest = hashlib.sha256(data).hexdigest()[:6]
    return f"{data[: LONGEST_LABEL - 7].decode(errors='ignore')}~{digest}"


def unpacked(submission: Path, folder: Path) -> Path:
    """Where a submission's files are: where it lies, or below `folder` if it is packed.

    Raises BadInput if it cannot be unpacked.
    """
    given = HandedIn("handed-in", submission)
    restored = Staging(folder, restore_all=False).restore(given, [Piece(submission)])
    if restored.refused:
        raise BadInput(restored.refused)
    return restored.path


def _must_be_restored(path: Path, name: str) -> bool:
    """Whether a submission is not as its student made it: packed, or renamed."""
    if path.is_file():
        return name not in ("", path.name) or archives.is_packed(path.name)
    if not path.is_dir():
        return False
    late = any(platforms.on_time(file.name) != file.name for file in files_in(path))
    return late or bool(_packed_in(path))


def _packed_in(folder: Path) -> list[Path]:
    """The archives that are a submission: those in a folder without a program beside them."""
    files = files_in(folder)
    if any(file.suffix in LANGUAGES or file.name in STARTS for file in files):
        return []
    return [file for file in files if archives.is_packed(file.name)]


def files_in(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.is_file()]


def _restore(piece: Piece, folder: Path, *, alone: bool) -> list[str]:
    """Put a piece into the folder; return what was left out or changed."""
    if piece.typed:
        return _restore_typed(piece.path, folder)
    if piece.path.is_dir():
        return _restore_folder(piece.path, folder)
    name = piece.name or piece.path.name
    if archives.is_packed(piece.path.name):
        return _unpack(piece.path, folder if alone else folder / archives.stem(name))
    return _copy(piece.path, folder / name)


def _restore_folder(source: Path, folder: Path) -> list[str]:
    packed = _packed_in(source)
    others = [path for path in visible(source) if path not in packed]
    alone = len(packed) == 1 and all(path.name == PREDICTIONS for path in others)
    remarks: list[str] = []
    for path in others:
        if path.is_dir():
            shutil.copytree(path, folder / path.name, symlinks=True)
        else:
            remarks += _copy(path, folder / platforms.on_time(path.name))
    for path in packed:
        name = archives.stem(platforms.on_time(path.name))
        remarks += _unpack(path, folder if alone else folder / name)
    return remarks


def _copy(source: Path, target: Path) -> list[str]:
    if os.path.lexists(target):
        return [f"left out: {archives.printable(source.name)} (another file has its name)"]
    shutil.copy2(source, target)
    return []


def _unpack(archive: Path, target: Path, *, within: bool = False) -> list[str]:
    """Unpack an archive, and one more that is all there is in it; return what was left out."""
    target.mkdir(parents=True, exist_ok=True)
    remarks = [f"left out: {line}" for line in archives.unpack(archive, target)]
    inner = None if within else _only_archive(target)
    if inner is not None:
        remarks += _unpack(inner, inner.parent, within=True)
        inner.unlink()
    return remarks


def _only_archive(folder: Path) -> Path | None:
    """The archive that a folder holds, or the only folder in it, with no program beside it."""
    entries = visible(folder)
    if len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink():
        return _only_archive(entries[0])
    packed = _packed_in(folder)
    others = [path for path in entries if path not in packed and path.name != PREDICTIONS]
    return packed[0] if len(packed) == 1 and not others else None


def _restore_typed(page: Path, folder: Path) -> list[str]:
    data = page.read_bytes()[:LARGEST_PAGE]
    text = platforms.typed_text(data.decode("utf-8", errors="replace"))
    name = platforms.program_name(text)
    (folder / name).write_text(text, encoding="utf-8")
    return [f"the text typed into the form was taken for {name}"]
