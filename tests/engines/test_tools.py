"""The versions of the tools that engines use: as they tell them, asked once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from echolab.engines import tools


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("tc utility, iproute2-6.15.0, libbpf 1.5.0\n", "6.15.0"),
        ("tc utility, iproute2-ss200127\n", "ss200127"),
        ("strace -- version 6.13\nCopyright (c) 1991-2025 …\n", "6.13"),
        ("Docker Compose version v2.26.1-4\n", "2.26.1-4"),
        ("docker-compose version 1.29.2, build unknown\n", "1.29.2"),
        ("usage: tc …\n", None),
    ],
)
def test_a_version_is_read_as_the_program_tells_it(told: str, version: str | None) -> None:
    assert tools.parse(told) == version


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that tells version 1, and counts how often it was asked."""
    path = tmp_path / "bin" / "tool"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\necho x >>{tmp_path}/asked\necho tool version 1\n")
    path.chmod(0o755)
    monkeypatch.setattr(tools, "ENVIRONMENT", {"PATH": str(path.parent)})
    return path


def test_a_program_is_asked_again_only_when_its_file_has_changed(
    tool: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    for _ in range(3):
        assert tools.version(("tool", "-V"), cache) == "1"
    assert (tmp_path / "asked").read_text() == "x\n"
    tool.write_text("#!/bin/sh\necho tool version 2\n")
    assert tools.version(("tool", "-V"), cache) == "2"


def test_a_cache_that_is_not_ours_to_write_or_is_spoilt_does_no_harm(
    tool: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for content in ("", "[1]", json.dumps({"tool": 7})):
        (cache / tools.FILE).write_text(content)
        assert tools.version(("tool", "-V"), cache) == "1"
    assert tools.version(("tool", "-V"), Path(os.devnull) / "cache") == "1"


def test_a_program_that_is_not_there_has_no_version(tool: Path, tmp_path: Path) -> None:
    assert tools.version(("absent", "-V"), tmp_path) is None
