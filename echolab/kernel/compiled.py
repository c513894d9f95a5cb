"""Objects in C that are compiled on first use, for what also works without them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from echolab.errors import CannotRun
from echolab.kernel.command import ENVIRONMENT, follow

LIMIT = 60.0
"""Seconds that compiling one may take."""


def ensure(source: Path, cache: Path) -> Path | None:
    """The shared object of a source, made on first use; None if it cannot be made."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    place = cache / "kernel" / f"{source.stem}-{digest}.so"
    if place.is_file():
        return place
    if not shutil.which("gcc", path=ENVIRONMENT["PATH"]):
        return None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{source.stem}-", dir=place.parent) as work:
            made = Path(work) / place.name
            follow(
                ["gcc", "-O2", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"],
                folder=Path(work),
                what=f"compiling {source.name}",
                remedy="",
                limit=LIMIT,
            )
            return made.rename(place)
    except (OSError, CannotRun):
        return None
