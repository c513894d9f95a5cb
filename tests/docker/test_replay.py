"""A run in real time is compared with another one, not replayed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from echolab.resources import ROOT
from echolab.settings import Settings

SCRIPT = """from echolab import Lab, scenario

@scenario(baseline=False)
def mine(lab: Lab) -> None:
    lab.probe("client", "server", "udp", count=3)
    lab.expect("it holds", True)
"""


def echolab(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "echolab", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_both_runs_are_drawn_side_by_side(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SCRIPT)
    first = echolab(tmp_path, "run", "mine.py", "--engine", "docker", "--no-report")
    assert first.returncode == 0, first.stderr
    again = echolab(tmp_path, "replay", "latest")
    assert again.returncode == 0, again.stderr
    assert "no two runs are identical" in again.stderr
    assert again.stdout.startswith("time was real, so the two runs are compared: ")
    page = tmp_path / again.stdout.split(": ", 1)[1].strip()
    assert "Two runs side by side" in page.read_text(encoding="utf-8")
