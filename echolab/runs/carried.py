"""Jobs that another machine can perform: with the scenario's script, wherever it is there.

Strategy: the scripts of echolab are on every machine that has it, if in another folder. A script of
the user's is taken from the same path where that has the same content, as on a shared file system;
otherwise it is written anew, with the modules and programs that are beside it. These are read only
where a job is pickled: for this machine's pool it is not, and they stay where they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from echolab import resources
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.runs import catalogue

MOST_BESIDE = 4 << 20
"""Bytes of the files beside a user's script that go with it."""


class Carried:
    """A scenario's script; its content goes along where it is pickled for another machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: Mapping[str, bytes] = {}

    def __getstate__(self) -> tuple[str, Mapping[str, bytes]]:
        if self._path.is_relative_to(resources.ROOT):
            return str(self._path.relative_to(resources.ROOT)), {}
        return str(self._path), _content(self._path)

    def __setstate__(self, state: tuple[str, Mapping[str, bytes]]) -> None:
        path, self._files = state
        self._path = resources.ROOT / path

    def placed(self, folder: Path) -> Path:
        """Where the script is on this machine: in `folder` if it is not there, or another one."""
        if all(_same(self._path.parent / name, content) for name, content in self._files.items()):
            return self._path
        for name, content in self._files.items():
            target = folder / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                target.chmod(0o755)
        return folder / self._path.name


def _content(script: Path) -> Mapping[str, bytes]:
    """A script and what is beside it, by relative paths. Raises BadInput if that is too much."""
    found = {str(path.relative_to(script.parent)): path for path in _beside(script)}
    size = sum(path.stat().st_size for path in found.values())
    if size > MOST_BESIDE:
        raise BadInput(
            f"beside {script} are {size >> 20} MB of modules and programs",
            "put the scenario into a folder of its own",
        )
    return {name: path.read_bytes() for name, path in found.items()}


def _beside(script: Path) -> Iterator[Path]:
    yield script
    yield from (path for path in sorted(script.parent.glob("*.py")) if path != script)
    yield from (path for path in sorted(script.parent.glob("programs/**/*")) if path.is_file())


def arrived(job: Job, script: Carried, folder: Path) -> Job:
    """The job as this machine can perform it; `folder` is for what it lacks of the script.

    Raises CannotRun if it lacks a folder that the job needs.
    """
    for name in job.folders:
        if Path(name).is_absolute() and not Path(name).is_dir():
            raise CannotRun(f"there is no folder {name}", "put it at the same path everywhere")
    path = script.placed(folder)
    testinfra = catalogue.testinfra() if job.testinfra else ""
    return dataclasses.replace(job, script=str(path), testinfra=testinfra)


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
