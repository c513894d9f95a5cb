"""The code that performs a job: a compiled copy of our modules, in the cache.

Strategy: whether an interpreter finds a module compiled or compiles it itself, and how much else
is in the folder that it searches, changes the number of system calls and so the lab time, by some
nanoseconds. A package may be installed without compiled modules, in a folder of many other
packages that changes from day to day and that this user cannot write to. So jobs are performed
from a copy: our modules alone, each compiled, under a name that changes with their content and
with the interpreter. Whoever uses a copy holds a shared flock(2), so that old copies are removed
only while nobody uses one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from echolab import resources
from echolab.errors import CannotRun

PROGRAM = "echolab/guest.py"
"""The copy's program that performs jobs (see there)."""

SOURCES: Mapping[str, Path] = {"echolab": resources.PACKAGE, "echo_app": resources.ECHO_APP}
"""The packages in a copy, and where they are on this machine."""

LEFT_OUT = ("__pycache__", "data")
"""Folders that hold no modules of ours."""

KEPT = 8
"""How many copies stay when a new one is made: the most recently used ones."""

LIMIT = 60.0
"""The most seconds that importing all that a guest imports may take."""

NEEDED = (
    "echolab.engines.namespaces.network",
    "echolab.scenario.performance",
    "echo_app.probe",
    "traceback",
)
"""What a guest imports: for the modules of Python's own library that come with it."""


@contextlib.contextmanager
def guest_code(cache: Path, sources: Mapping[str, Path] = SOURCES) -> Iterator[Path]:
    """The folder of the copy, made first if there is none; it stays while this is open.

    Raises CannotRun if the cache cannot be written to.
    """
    folder = cache / "code"
    with contextlib.ExitStack() as undo:
        try:
            modules = {
                f"{name}/{inside}": content
                for name, source in sources.items()
                for inside, content in sorted(_modules(source, ""))
            }
            copy = folder / _digest(modules)
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            undo.callback(os.close, lock)
            if not copy.is_dir():
                _remove_old(folder, lock)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not copy.is_dir():
                _make(copy, modules)
            os.utime(copy)
        except OSError as error:
            raise CannotRun(
                f"cannot keep compiled modules in {folder}: {error.strerror}",
                "name a folder that can be written to in XDG_CACHE_HOME",
            ) from None
        yield copy


def _modules(folder: Path, inside: str) -> Iterator[tuple[str, bytes]]:
    """The modules in a folder and below it: their paths in it, and their content."""
    with os.scandir(folder / inside) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                with open(entry.path, "rb", buffering=0) as file:
                    yield f"{inside}{entry.name}", file.read()
            elif entry.name not in LEFT_OUT and entry.is_dir(follow_symlinks=False):
                yield from _modules(folder, f"{inside}{entry.name}/")


def _digest(modules: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(f"{sys.version} {os.path.realpath(sys.executable)}".encode())
    digest.update(importlib.util.MAGIC_NUMBER)
    for inside, content in modules.items():
        digest.update(f"\0{inside}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _remove_old(folder: Path, lock: int) -> None:
    """Remove all copies but the newest, and what killed runs left, unless a copy is in use."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        copies = [path for path in folder.iterdir() if path.is_dir()]
        whole = [path for path in copies if not path.name.startswith(".")]
        whole.sort(key=lambda path: path.stat().st_mtime_ns)
        for path in (*whole[: 1 - KEPT], *(set(copies) - set(whole))):
            shutil.rmtree(path, ignore_errors=True)


def _make(copy: Path, modules: Mapping[str, bytes]) -> None:
    """Make a copy, so that it exists whole or not at all."""
    draft = Path(tempfile.mkdtemp(prefix=".", dir=copy.parent))
    try:
        for inside, content in modules.items():
            path = draft / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            with contextlib.suppress(py_compile.PyCompileError):  # shown when somebody imports it
                py_compile.compile(
                    str(path),
                    dfile=str(copy / inside),
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
        _compile_library(draft)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)  # hosts' users read it, too
        try:
            draft.rename(copy)
        except OSError:
            if not copy.is_dir():  # another run may have made it meanwhile
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _compile_library(draft: Path) -> None:
    """Import once what a guest imports, so that Python's own library is compiled.

    Some interpreters come without compiled modules and compile them at first use, which the guest
    cannot do. If this user cannot either, each run compiles them alike.
    """
    script = f"import sys; sys.path.insert(0, {str(draft)!r}); import {', '.join(NEEDED)}"
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, "-S", "-E", "-c", script],
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
