"""Commands of the lab, started for real: what is under way in them, and what they leave."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.kernel import build
from echolab.resources import ROOT
from echolab.settings import Settings
from tests.needs import lacking

PAUSE = 0.002
"""Seconds between two looks at what cannot be waited for."""

SCRIPT = """
from echolab import Lab, scenario

@scenario(baseline=False)
def first(lab: Lab, count: int = 400) -> None:
    lab.probe("client", "server", "udp", count=count, interval=0.01)
    lab.expect("it holds", True)

@scenario(baseline=False)
def second(lab: Lab, count: int = 400) -> None:
    lab.probe("client", "server", "udp", count=count, interval=0.01)
    lab.expect("it holds", True)
"""


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; the test's own time limit is the limit."""
    never = threading.Event()
    while not holds():
        never.wait(PAUSE)


class Command:
    """A command that was started in a folder and a process group of its own.

    Its cache is below that folder, too, but for the kernel.
    """

    def __init__(self, folder: Path, words: Sequence[str], prefix: Sequence[str] = ()) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "echolab", *words],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": str(ROOT),
                "XDG_CACHE_HOME": str(folder / "cache"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def workers(self) -> list[int]:
        """The processes that the command itself has started and that have not ended."""
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def ended(self) -> tuple[int, str, str]:
        """Its exit status, its output, and what it said on standard error."""
        stdout, stderr = self.process.communicate(timeout=120)
        return self.process.returncode, stdout, stderr

    def left_running(self) -> list[str]:
        """The processes that work in a folder of this test, guests for example."""
        found = []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if (process / "cwd").readlink().is_relative_to(self.folder):
                    found.append((process / "cmdline").read_text())
        return found


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts commands of the lab, and kills those that a failed test leaves.

    Skips where this machine cannot run the guest at all, and says why; in CI, fails.
    """
    here = Settings.from_environment(os.environ)
    if engine.lack(here) or build.find(here.cache, None) is None:
        lacking("the exact engine cannot run, or its kernel is not built: ./lab build kernel")
    own = tmp_path / "cache" / "echolab"
    own.mkdir(parents=True)
    (own / "kernel").symlink_to(here.cache / "kernel")
    (tmp_path / "mine.py").write_text(SCRIPT, encoding="utf-8")
    started: list[Command] = []

    def command(*words: str, prefix: Sequence[str] = ()) -> Command:
        started.append(Command(tmp_path, words, prefix))
        return started[-1]

    yield command
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.communicate()
