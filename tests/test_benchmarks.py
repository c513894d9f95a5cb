"""The benchmarks still start: what they import is there, and each says how it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from echolab.resources import ROOT

COMMANDS = [
    path
    for path in sorted((ROOT / "benchmarks").glob("*.py"))
    if "__main__" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_benchmark_starts_by_the_command_that_it_tells(path: Path) -> None:
    name = f"benchmarks.{path.stem}"
    assert f"\n    .venv/bin/python -m {name}" in path.read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", name, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage:")
