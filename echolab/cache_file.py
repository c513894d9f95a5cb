"""Results kept in the cache: a JSON object in a file."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path


def read(path: Path) -> dict[str, object]:
    """The stored object; an empty one if the file is missing or does not hold a JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write(path: Path, kept: Mapping[str, object]) -> None:
    """Write an object to the file as a whole; do nothing if the cache cannot be written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(json.dumps(kept), encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
