"""Roots that are unpacked from archives made on the fly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab.roots import archive, store
from echolab.roots.store import Root

Unpack = Callable[..., Root]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache."""
    return tmp_path / "cache"


@pytest.fixture
def unpack(cache: Path) -> Unpack:
    """Unpacks the image in an archive into the cache."""

    def unpacked(path: Path, name: str = "test") -> Root:
        with archive.find(path, name, path.name) as image:
            return store.unpack(cache, image)

    return unpacked


def entries(root: Root) -> dict[str, list[object]]:
    """What is told of each file of a root, by its path."""
    return {name: told for name, *told in json.loads(root.entries.read_text(encoding="utf-8"))}


def files(root: Root) -> dict[str, str]:
    """The files of a root with their content, its links with their targets."""
    found = {}
    for path in sorted(root.files.rglob("*")):
        name = str(path.relative_to(root.files))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text(encoding="utf-8", errors="replace")
    return found
