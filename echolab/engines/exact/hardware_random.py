"""Programs that may read the processor's own random numbers, which nothing can seed.

The instructions `rdrand` and `rdseed` do not go through the kernel, so their numbers differ from
run to run. A program is named if its code has them, or the code of a library that the loader loads
for it. Not seen are code that it loads later (dlopen(3)) or generates, and whether it ever executes
the instructions. Three exceptions avoid false warnings:

- OpenSSL has both, for an engine that must be asked for, and seeds from the kernel (RAND(7)). Its
    functions are recognized by their code, in its library and in programs that
    include it.
- The C++ library has them for `std::random_device`. A program that does not import it is not
  named.
- systemd's library loads libgcrypt into many servers, and calls it only to seal journals.

Strategy: what a file has is kept in the cache until the file changes, since searching a large
program takes some tenths of a second. The patterns are compiled only for that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from echolab import cache_file
from echolab.engines.exact.elf import Elf
from echolab.errors import BadInput
from echolab.kernel.command import ENVIRONMENT
from echolab.record import MAY_DIFFER, Record
from echolab.record.format import plain, read
from echolab.settings import Settings

FILE = "random-instructions.json"

READS = "has code that reads the processor's own random numbers"

INSTRUCTION = rb"\x0f\xc7[\xf0-\xff]"
"""RDRAND and RDSEED of a register (Intel's manual, volume 2: 0F C7 /6 and /7)."""

DISPLACED = (
    rb"(?s)(?:[\xb8-\xbf\xe8\xe9]|\x0f[\x80-\x8f]"
    rb"|[\x8b\x8d\x89\x83\x81\xff][\x05\x0d\x15\x1d\x25\x2d\x35\x3d]).{0,3}\Z"
)
"""What precedes a displacement or an immediate of four bytes, which may look like one of them."""

LOOKS_AT_CARRY = rb"(?s).{0,2}?(?:[\x72\x73]|\x0f[\x42\x43\x82\x83\x92\x93])"
"""What mostly follows: the carry flag tells whether there was a number."""

OPENSSL = rb"\x49\x0f\xc7[\xf2\xfa]\x72\x16\x49\xff\xcb\x75\xf5"
"""The loop of OPENSSL_ia32_rdrand_bytes and OPENSSL_ia32_rdseed_bytes (x86_64cpuid.pl)."""

SYSTEMD = "libsystemd.so"

CPP, RANDOM_DEVICE = "libstdc++.so", b"_ZNSt13random_device"

STARTERS = frozenset(("sh", "bash", "dash", "env", "nice", "setsid", "stdbuf", "timeout"))
"""Programs that execute another one, named by their arguments."""

SEARCH = (f"{sys.base_prefix}/bin", *ENVIRONMENT["PATH"].split(":"))
"""The folders of programs, as hosts have them."""

LAB = "lab/"
"""Where hosts see the run's folder, below a root."""

LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib")
"""Where the loader looks, below a root: Debian's folders, then other distributions'."""

LONGEST_CHAIN = 8
"""How many links, or interpreters of scripts, are followed."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What a file has: the instructions, the libraries it needs and where, `random_device`."""

    has: bool = False
    needs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    draws: bool = False


@dataclasses.dataclass(frozen=True)
class _Known:
    files: Mapping[str, Found]


def with_warnings(record: Record, settings: Settings) -> Record:
    """The record with a warning for each of its programs that may read such numbers."""
    roots = {used.host: used.digest for used in record.roots}
    executed = {(roots.get(one.host, ""), one.argv): None for one in record.programs}
    files = _Files(settings.cache)
    found = dict.fromkeys(
        line
        for digest, argv in executed
        if (root := _root(digest, settings)) is not None
        for line in _warnings(argv, root, settings.folder, files)
    )
    files.keep()
    return dataclasses.replace(record, warnings=(*record.warnings, *found)) if found else record


def _root(digest: str, settings: Settings) -> Path | None:
    if not digest:
        return Path("/")
    from echolab.roots.store import find

    root = find(settings.cache, digest)
    return None if root is None else root.files


def _warnings(argv: Sequence[str], root: Path, run: Path, files: _Files) -> Iterator[str]:
    """A line for each program that these words start on a root."""
    for name in _names(argv):
        path = _program(name, root, run)
        where = path and files.culprit(path, root)
        if path and where:
            what = READS if where == path else f"{READS} (in {where.name})"
            yield f"{MAY_DIFFER}{name} {what}"


def _names(argv: Sequence[str]) -> Iterable[str]:
    if Path(argv[0]).name not in STARTERS:
        return argv[:1]
    return dict.fromkeys(re.findall(r"[\w./+-]+", " ".join(argv)))


def _program(name: str, root: Path, run: Path) -> Path | None:
    """The program of that name on a root; for a script its interpreter. None if it is missing."""
    folders = [""] if "/" in name else SEARCH
    for folder in folders:
        place = f"{folder}/{name}".lstrip("/")
        own = place.startswith(LAB)
        path = _resolved(run / place.removeprefix(LAB) if own else root / place, root)
        if path is not None:
            return _interpreter(path, root, run)
    return None


def _interpreter(path: Path, root: Path, run: Path) -> Path | None:
    """A program itself, or the one that its first line names (execve(2))."""
    for _ in range(LONGEST_CHAIN):
        with path.open("rb") as file:
            line = file.readline(256)
        words = line[2:].decode(errors="replace").split() if line.startswith(b"#!") else []
        if not words:
            return path
        if Path(words[0]).name == "env" and len(words) > 1:
            return _program(words[1], root, run)
        found = _resolved(root / words[0].lstrip("/"), root)
        if found is None:
            return None
        path = found
    return None


def _resolved(path: Path, root: Path) -> Path | None:
    """The regular file that a path names on a root; None if there is none that can be read."""
    for _ in range(LONGEST_CHAIN):
        if not path.is_symlink():
            return path if path.is_file() and os.access(path, os.R_OK) else None
        target = path.readlink()
        path = root / target.relative_to("/") if target.is_absolute() else path.parent / target
    return None


class _Files:
    """What files have, from the cache or from searching them now."""

    def __init__(self, cache: Path) -> None:
        self._place = cache / FILE
        self._known = _read(self._place)
        self._new = False

    def culprit(self, program: Path, root: Path) -> Path | None:
        """The program, or the first of its libraries, that may read such numbers."""
        loaded = self._loaded(program, root)
        draws = any(self._look(path).draws for path in loaded if not path.name.startswith(CPP))
        for path in loaded:
            if self._look(path).has and (draws or not path.name.startswith(CPP)):
                return path
        return None

    def keep(self) -> None:
        """Write the cache as a whole; do nothing if it cannot be written."""
        if self._new:
            cache_file.write(self._place, {"files": plain(self._known)})

    def _loaded(self, program: Path, root: Path) -> list[Path]:
        """A program and the libraries that the loader loads for it."""
        loaded = {program: None}
        waiting = [program]
        while waiting:
            user = waiting.pop()
            found = self._look(user)
            own = [Path(folder.replace("$ORIGIN", str(user.parent))) for folder in found.folders]
            for name in () if user.name.startswith(SYSTEMD) else found.needs:
                places = (*own, *(root / folder for folder in LIBRARIES))
                paths = (_resolved(place / name, root) for place in places)
                path = next(filter(None, paths), None)
                if path is not None and path not in loaded:
                    loaded[path] = None
                    waiting.append(path)
        return list(loaded)

    def _look(self, path: Path) -> Found:
        status = path.stat()
        key = f"{path} {status.st_dev} {status.st_ino} {status.st_mtime_ns} {status.st_size}"
        if key not in self._known:
            self._known[key] = look(path)
            self._new = True
        return self._known[key]


def look(path: Path) -> Found:
    """What a file has; nothing if it is not a program."""
    try:
        elf = Elf(path)
    except (OSError, ValueError):
        return Found()
    with contextlib.closing(elf):
        has = any(_has(elf.content, *part) for part in elf.code())
        return Found(has, elf.needed(), elf.folders(), elf.names(RANDOM_DEVICE))


def _has(content: mmap.mmap, begin: int, end: int) -> bool:
    """Whether code has one of the instructions, other than inside another one's displacement."""
    for hit in re.compile(INSTRUCTION).finditer(content, begin, end):
        at = hit.start()
        if re.match(OPENSSL, content[max(begin, at - 1) : at + 10]):
            continue
        displaced = re.search(DISPLACED, content[max(begin, at - 6) : at])
        if not displaced or re.match(LOOKS_AT_CARRY, content[at + 3 : min(at + 10, end)]):
            return True
    return False


def _read(place: Path) -> dict[str, Found]:
    try:
        return dict(read(_Known, cache_file.read(place), FILE).files)
    except BadInput:
        return {}
