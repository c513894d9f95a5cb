"""A scheduler and workers of Dask, each a process of this machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import distributed
import pytest

from echolab.cluster.client import Cluster
from echolab.resources import ROOT
from echolab.settings import Settings

LONGEST = 40.0
"""Seconds in which workers must be there."""

ALONE = {"OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}


class Dask:
    """A scheduler, and the workers that are started for it."""

    def __init__(self, folder: Path, undo: contextlib.ExitStack) -> None:
        self._folder, self._undo = folder, undo
        self.workers: list[subprocess.Popen[str]] = []
        words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
        self.scheduler = self._start("dask_scheduler", words, {})
        assert self.scheduler.stderr is not None
        told = next(line for line in self.scheduler.stderr if "Scheduler at:" in line)
        self.address = told.split("Scheduler at:")[1].strip()

    def _start(
        self, program: str, words: tuple[str, ...], variables: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *words],
            env={**os.environ, **ALONE, "PYTHONPATH": str(ROOT), **variables},
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "dask_scheduler" else subprocess.DEVNULL,
            text=True,
        )
        self._undo.callback(started.wait)
        self._undo.callback(started.kill)
        return started

    def start(self, count: int = 1, **variables: str) -> None:
        """Start workers, each with one thread, and await them."""
        for _ in range(count):
            folder = self._folder / f"worker-{len(self.workers)}"
            words = (
                *(self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny"),
                *("--no-dashboard", "--local-directory", str(folder)),
                *("--name", f"w{len(self.workers)}"),
            )
            self.workers.append(self._start("dask_worker", words, variables))
        with distributed.Client(self.address, set_as_default=False) as client:
            alive = sum(worker.poll() is None for worker in self.workers)
            client.wait_for_workers(alive, timeout=LONGEST)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    with contextlib.ExitStack() as undo:
        yield Dask(tmp_path, undo)


@pytest.fixture
def told() -> list[str]:
    """What the user was told."""
    return []


@pytest.fixture
def connect(dask: Dask, told: list[str]) -> Iterator[Callable[..., Cluster]]:
    """Connects to the scheduler, for jobs that need no kernel."""
    with contextlib.ExitStack() as undo:

        def connected(patience: float = 60.0) -> Cluster:
            here = Settings.from_environment(os.environ)
            cluster = Cluster(
                dask.address, here, quiet, told.append, patience=patience, kernel=False
            )
            return undo.enter_context(cluster)

        yield connected


def quiet(line: str) -> None:
    """Show nothing."""
