"""The project's own checks: style, types, tests, each with the tool that the lock file has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from echolab.catalogue import ROOT

STYLE_AND_TYPES = (("ruff", "format", "--check"), ("ruff", "check"), ("mypy",))


def run(words: Sequence[str], *, everything: bool) -> bool:
    """Run pytest with those words, and before it all else where `everything` is asked for.

    Whether all of them passed; the first that fails is the last that is run.
    """
    tools = [*(STYLE_AND_TYPES if everything else ()), ("pytest", *words)]
    return all(
        subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, check=False).returncode == 0
        for tool in tools
    )
