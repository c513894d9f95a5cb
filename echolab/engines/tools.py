"""The versions of the programs that engines use, as a record names them.

Strategy: a program is asked once; its answer is kept in the cache until its file changes. Asking
takes from 2 ms (tc) to half a second (docker-compose), too long to repeat in every run.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from echolab import cache_file
from echolab.kernel.command import ENVIRONMENT
from echolab.record import Record, Versions

FILE = "versions.json"

VERSION = re.compile(r"(?:iproute2-|version )v?([\w.+~-]+)")
"""How tc(8), strace(1), docker-compose and its plugin tell their versions."""

LONGEST_ANSWER = 20.0
"""Seconds within which a program must tell its version."""


def parse(told: str) -> str | None:
    """The version in a program's output; None if it has none."""
    found = VERSION.search(told)
    return found[1] if found else None


def version(argv: Sequence[str], cache: Path) -> str | None:
    """The version that a program of this machine tells when run with these arguments.

    None if it is not there or does not tell.
    """
    path = shutil.which(argv[0], path=ENVIRONMENT["PATH"])
    if path is None:
        return None
    status = Path(path).stat()
    key = f"{' '.join(argv)} {os.path.realpath(path)} {status.st_mtime_ns} {status.st_size}"
    known = cache_file.read(cache / FILE)
    if not isinstance(known.get(key), str):
        known[key] = _ask([path, *argv[1:]])
        cache_file.write(cache / FILE, known)
    told = known[key]
    return told if isinstance(told, str) else None


def used_here(record: Record, cache: Path) -> Versions:
    """The versions for a run whose `tc` and `strace` are this machine's."""
    traced = any(program.calls for program in record.programs)
    return dataclasses.replace(
        record.versions,
        tc=version(("tc", "-V"), cache) if record.commands else None,
        strace=version(("strace", "-V"), cache) if traced else None,
    )


def _ask(argv: Sequence[str]) -> str | None:
    try:
        asked = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_ANSWER,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse(asked.stdout)
