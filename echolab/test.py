"""The project's own checks: style, types, spelling, shell files, tests.

Each runs with the tool that `requirements-dev.lock` names, in a checkout.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from echolab.errors import CannotRun
from echolab.resources import EXERCISES, ROOT

SHELL_FILES = (
    "lab",
    ".ci/run",
    "benchmarks/bare_guest.sh",
    "echolab/classroom/packs/artemis/build_script.sh",
    "echolab/classroom/packs/common/run",
    "echolab/classroom/packs/common/setup",
    "echolab/classroom/packs/gradescope/run_autograder",
    "echolab/classroom/packs/gradescope/setup.sh",
    "echolab/classroom/packs/moodle-vpl/vpl_evaluate.sh",
    "echolab/classroom/packs/moodle-vpl/vpl_run.sh",
    "examples/maelstrom/echo.sh",
)

MOST_JOBS = 8
"""Processes that run tests at once, at most; a guest takes up to 256 MiB."""


def checks() -> Iterator[Sequence[str | Path]]:
    """The command of each check before the tests, the quick ones first."""
    yield _module("ruff", "format", "--check")
    yield _module("ruff", "check")
    yield _module("codespell_lib", "--toml", "pyproject.toml", ".", ".ci")
    yield [Path(sys.executable).with_name("shellcheck"), *SHELL_FILES]
    yield _module("mypy")
    # Every exercise has a check.py and a main.py: each folder is a program of its own.
    for folder in sorted(path for path in EXERCISES.iterdir() if path.is_dir()):
        yield _module("mypy", folder)


def run(words: Sequence[str], *, everything: bool) -> bool:
    """Run pytest with those words, after all other checks if `everything` is requested.

    For all tests the guest kernel and the images are built first, as far as this machine can.
    Returns whether all of them passed; no test runs after a check that fails. Raises CannotRun if
    echolab is installed without its tests.
    """
    if not (ROOT / "tests").is_dir():
        raise CannotRun("the tests are not installed", "run ./lab test in a checkout")
    if everything and not all(map(_passes, checks())):
        return False
    if words:
        return _passes(_module("pytest", *words))
    _passes(_module("echolab", "build"))  # tests say what they miss of what cannot be built
    passed = [_passes(command) for command in suite()]
    return all(passed)


def suite() -> Iterator[Sequence[str | Path]]:
    """The commands that run all tests: first side by side, a file a process, what stands that.

    One process more than processors: Docker's tests mostly wait. Last, one after the other, those
    of Docker that judge real time or look at all that the daemon has.
    """
    jobs = min(len(os.sched_getaffinity(0)) + 1, MOST_JOBS)
    yield _module("pytest", "-m", "not alone", "-n", str(jobs), "--dist", "loadfile")
    yield _module("pytest", "-m", "alone")


def _passes(command: Sequence[str | Path]) -> bool:
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _module(name: str, *words: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", name, *words]
