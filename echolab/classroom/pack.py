"""Packs: autograders to upload to a learning platform, complete except for Debian's packages.

Strategy: a pack has echolab's modules and the few that a check imports, one exercise, and the guest
kernel from the cache, so that nothing is built or downloaded at a student's first try. Its scripts
are files beside this module. An archive depends on its content alone: the same echolab makes the
same bytes.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from echolab import resources
from echolab.classroom.exercise import Exercise
from echolab.classroom.platform_check import Target
from echolab.errors import BadInput, CannotRun
from echolab.kernel import build, memfd
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.settings import Settings

SCRIPTS = Path(__file__).with_name("packs")

MODULES = ("click", "yaml", "dpkt")
"""What a check imports besides Python's standard library."""

NOT_PACKED = ("__pycache__", "data", ".mypy_cache")

CARRIED = frozenset(
    {".py", ".txt", ".json", ".c", ".h", ".config", ".patch", ".sh", ".yaml", ".md"}
)
"""Endings of the files of a package that are packed: its modules, and what they read."""

TIME = (2020, 1, 1, 0, 0, 0)
"""The time of change of every file in an archive, since it does not matter."""

FOLDER: Mapping[Target, str] = {Target.GRADESCOPE: "echolab/", Target.ARTEMIS: "echolab/"}

ARCHIVE = "echolab.tar.gz"
"""The one file that a Virtual Programming Lab gets in addition to its own."""

NEXT: Mapping[Target, str] = {
    Target.GRADESCOPE: "upload it as the autograder of a programming assignment, on Ubuntu 22.04 "
    "or later",
    Target.ARTEMIS: "unpack it, docker build it, and give Artemis the image and build_script.sh",
    Target.VPL: "unpack it, and upload its files as execution files",
}
"""What to do with a pack."""

Files = Mapping[str, tuple[bytes, bool]]
"""The content of files by their paths in an archive, and whether they are executable."""


def write(
    exercise: Exercise, target: Target, path: Path, settings: Settings, progress: Progress
) -> None:
    """Write the pack of an exercise. Raises CannotRun if there is no kernel, or no room."""
    progress(_("packing {exercise} for {target}").format(exercise=exercise.name, target=target))
    inside = dict(_inside(exercise, settings, progress))
    own = dict(_scripts(target))
    if target == Target.VPL:
        files = {**own, ARCHIVE: (_tar(inside), False)}
    else:
        files = {**own, **{f"{FOLDER[target]}{name}": file for name, file in inside.items()}}
    try:
        path.write_bytes(_zip(files))
    except OSError as error:
        raise CannotRun(f"cannot write {path}: {error.strerror}", "give --out FILE") from None


def _scripts(target: Target) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    for file in sorted((SCRIPTS / target.value).iterdir()):
        yield file.name, (file.read_bytes(), file.read_bytes().startswith(b"#!"))


def _inside(
    exercise: Exercise, settings: Settings, progress: Progress
) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    for file in sorted((SCRIPTS / "common").iterdir()):
        yield file.name, (file.read_bytes(), True)
    yield "exercise", (f"{exercise.name}\n".encode(), False)
    yield from _tree(resources.PACKAGE, "lib/echolab")
    yield from _tree(resources.ECHO_APP, "lib/echolab/data/echo_app")
    yield "lib/echolab/data/compose.yaml", (resources.COMPOSE.read_bytes(), False)
    place = f"lib/echolab/data/exercises/{exercise.name}"
    yield from _tree(exercise.folder, place, every=True)
    for name in MODULES:
        yield from _tree(_package(name), f"lib/{name}")
    yield from _kernel(settings, progress)


def _kernel(settings: Settings, progress: Progress) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    if settings.kernel is not None:
        raise BadInput("a pack takes the kernel that echolab builds", "unset ECHOLAB_KERNEL")
    kernel = build.ensure(settings.cache, progress)
    folder = kernel.path.parent
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        executable = bool(file.stat().st_mode & stat.S_IXUSR)
        yield f"cache/echolab/kernel/{folder.name}/{file.name}", (file.read_bytes(), executable)
    unnamed = memfd.ensure(settings.cache)
    if unnamed is not None:
        yield f"cache/echolab/kernel/{unnamed.name}", (unnamed.read_bytes(), False)


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise CannotRun(f"the Python package {name} is not there", "install echolab again")
    return Path(found.submodule_search_locations[0])


def _tree(
    folder: Path, place: str, *, every: bool = False
) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    """The files below a folder: a package's modules and what they read, or all files."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if set(inside.parts) & set(NOT_PACKED) or not path.is_file():
            continue
        if inside.parts[0].startswith("reference"):
            continue  # a solution that stands beside the check
        if every or path.suffix in CARRIED:
            yield f"{place}/{inside.as_posix()}", (path.read_bytes(), False)


def _zip(files: Files) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name, (content, executable) in sorted(files.items()):
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | _mode(executable)) << 16
            made.writestr(info, content)
    return stream.getvalue()


def _tar(files: Files) -> bytes:
    stream = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=9, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as made,
    ):
        for name, (content, executable) in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), _mode(executable)
            made.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _mode(executable: bool) -> int:
    return 0o755 if executable else 0o644
