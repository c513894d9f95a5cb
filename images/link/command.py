"""Running a command for the link, with its own words where it fails."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

DEVICE = "eth0"
"""The host's device on the lab's network."""

LIMIT = 30.0
"""Seconds after which a command counts as hung."""


class Failed(Exception):
    """A command failed; the text is its own."""


def run(argv: Sequence[str], script: str | None = None) -> str:
    """Run a command and return its standard output. Raises Failed with what it said."""
    done = subprocess.run(
        argv, input=script, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
        raise Failed(f"{' '.join(argv)}: {said}")
    return done.stdout
