"""Running a command for the link; a failure carries the command's own message."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

LIMIT = 30.0
"""Seconds after which a command counts as hung."""


class Failed(Exception):
    """A command failed; the text is the command's own message."""


def run(argv: Sequence[str], script: str | None = None) -> str:
    """Run a command and return its standard output. Raises Failed with its message."""
    done = subprocess.run(
        argv, input=script, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
        raise Failed(f"{' '.join(argv)}: {said}")
    return done.stdout
