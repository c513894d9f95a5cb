"""The files of a submission as the search for its program sees them: names, modes, text."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

LONGEST_SOURCE = 1 << 20
"""How many bytes of a file are read to find out what it is."""


@dataclasses.dataclass(frozen=True)
class SourceTree:
    """Files by their paths from the top, each with whether it is executable.

    `read` returns a file's text.
    """

    files: Mapping[str, bool]
    read: Callable[[str], str]

    def inside(self, folder: str) -> tuple[str, ...]:
        """The paths of the files that are directly in a folder; the top is the empty string."""
        return tuple(sorted(name for name in self.files if folder_of(name) == folder))

    def below(self, folder: str) -> tuple[str, ...]:
        """The paths of the files in a folder and in those inside it."""
        start = f"{folder}/" if folder else ""
        return tuple(sorted(name for name in self.files if name.startswith(start)))

    def folders(self) -> tuple[str, ...]:
        """The folders at the top that hold files."""
        return tuple(sorted({name.partition("/")[0] for name in self.files if "/" in name}))


def of_folder(folder: Path, files: Mapping[str, bool]) -> SourceTree:
    """The tree of files that are on the disk."""

    def read(name: str) -> str:
        with (folder / name).open("rb") as stream:
            return stream.read(LONGEST_SOURCE).decode(errors="replace")

    return SourceTree(files, read)


def of_texts(texts: Mapping[str, str], executable: Iterable[str] = ()) -> SourceTree:
    """The tree of files whose texts are given."""
    runs = set(executable)
    return SourceTree({name: name in runs for name in texts}, lambda name: texts[name])


def modes(folder: Path) -> dict[str, bool]:
    """The regular files below a folder, each with whether it is executable."""
    return {
        str(path.relative_to(folder)): os.access(path, os.X_OK)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def folder_of(name: str) -> str:
    """The folder of a path; the top is the empty string."""
    return name.rpartition("/")[0]


def stem(name: str) -> str:
    """A file's name without its folder and its ending."""
    return PurePosixPath(name).stem


def suffix(name: str) -> str:
    """The ending of a file's name, with its dot."""
    return PurePosixPath(name).suffix
