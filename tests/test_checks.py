"""What `./lab test --all` checks besides the tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from echolab import test as checks
from echolab.resources import ROOT


def tracked() -> list[Path]:
    """The files under version control; a copy without them skips the test."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_every_shell_file_is_checked() -> None:
    """Whatever begins with #! and a shell."""
    found = set()
    for path in tracked():
        first = path.open("rb").readline()
        if re.match(rb"#!.*\b(sh|bash|dash)\b", first):
            found.add(str(path.relative_to(ROOT)))
    assert found == set(checks.SHELL_FILES)
