"""Small Compose projects on disk, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from echolab.compose.project import Project
from echolab.compose.read import read


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def project(folder: Path, *texts: str, **environment: str) -> Project:
    """The project of one Compose file, or of several laid over one another."""
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"compose{number or ''}.yaml")
        files[-1].write_text(dedent(text), encoding="utf-8")
    return read(files, environment)
