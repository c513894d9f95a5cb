"""Our modules, compiled before a guest is booted.

Strategy: whether the guest's interpreter finds a module compiled or compiles it itself is
a difference of some system calls, and so of some nanoseconds of lab time. The guest cannot
write to the machine's files, so the machine sees to it that all are compiled, always.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import py_compile
from collections.abc import Iterator
from pathlib import Path

HEADER = 16
"""Length of what stands before the code (PEP 552): magic, flags, source's time and size."""

PACKAGES = Path(__file__).resolve().parents[2]


def compile_all(packages: Path = PACKAGES) -> None:
    """Compile the modules of echolab and echo_app that are not; one that may not be, is not."""
    for name in ("echolab", "echo_app"):
        for source in _sources(str(packages / name)):
            with contextlib.suppress(OSError, py_compile.PyCompileError):
                if not _is_current(source):
                    py_compile.compile(source.path, doraise=True)


def _sources(folder: str) -> Iterator[os.DirEntry[str]]:
    """The modules in a folder and those below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry
            elif entry.name != "__pycache__" and entry.is_dir(follow_symlinks=False):
                yield from _sources(entry.path)


def _is_current(source: os.DirEntry[str]) -> bool:
    try:
        with open(importlib.util.cache_from_source(source.path), "rb", buffering=0) as file:
            header = file.read(HEADER)
    except OSError:
        return False
    status = source.stat()
    numbers = (0, int(status.st_mtime), status.st_size)
    expected = b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers)
    return header == importlib.util.MAGIC_NUMBER + expected
