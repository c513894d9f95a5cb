"""Files that go with a job: those of a folder or a file, taken along only where the job travels.

Strategy: a job for this machine's pool is not pickled, so its files stay where they are. Pickled
for another machine it takes their content with it, and they are written there when it is performed.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from echolab import resources
from echolab.errors import BadInput

LARGEST = 64 << 20
"""Bytes of all files of a tree together."""

MOST = 5000
"""Files of a tree."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file of a tree: its path in it, empty for a tree that is one file.

    `link` is what a symbolic link has; empty for a regular file.
    """

    name: str
    mode: int
    changed: int
    content: bytes = b""
    link: str = ""


class Tree:
    """The files of a folder, or one file; of those that come with echolab only the place goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: tuple[File, ...] | None = None

    def __getstate__(self) -> tuple[str, bool, tuple[File, ...] | None]:
        ours = self.path.is_relative_to(resources.ROOT)
        place = str(self.path.relative_to(resources.ROOT)) if ours else str(self.path)
        return place, ours, None if ours else _files(self.path)

    def __setstate__(self, state: tuple[str, bool, tuple[File, ...] | None]) -> None:
        place, ours, self._files = state
        self.path = resources.ROOT / place if ours else Path(place)

    def placed(self, folder: Path) -> Path:
        """Where the files are on this machine: written into the new `folder` if they came along.

        Raises BadInput for a tree that was too large to come along.
        """
        if self._files is None:
            return self.path
        if len(self._files) > MOST or sum(len(one.content) for one in self._files) > LARGEST:
            raise BadInput(f"{self.path} has too many files", "leave out what is not the program")
        target = folder / self.path.name
        if not self._files:
            target.mkdir(parents=True)
        for file in self._files:
            _write(target / file.name, file)
        return target


def _files(path: Path) -> tuple[File, ...]:
    """The files of a tree, or just so many that it is too large."""
    found: list[File] = []
    size = 0
    for name in _names(path):
        told = (path / name).lstat()
        if (path / name).is_symlink():
            found.append(File(name, 0, 0, link=str((path / name).readlink())))
        else:
            content = (path / name).read_bytes()
            found.append(File(name, told.st_mode & 0o777, told.st_mtime_ns, content))
            size += len(content)
        if size > LARGEST or len(found) > MOST:
            break
    return tuple(found)


def _names(path: Path) -> Iterator[str]:
    """The paths of the regular files and the symbolic links in a tree."""
    if not path.is_dir():
        yield ""
        return
    for place, folders, files in os.walk(path):
        for name in sorted([*folders, *files]):
            one = Path(place, name)
            if one.is_symlink() or one.is_file():
                yield str(one.relative_to(path))
        folders.sort()


def _write(target: Path, file: File) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.link:
        target.symlink_to(file.link)
        return
    target.write_bytes(file.content)
    target.chmod(file.mode)
    os.utime(target, ns=(file.changed, file.changed))
