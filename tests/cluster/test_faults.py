"""What becomes of jobs when workers die, hang, fail or come late, and when the scheduler dies."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab.cluster.client import Cluster
from echolab.errors import CannotRun
from echolab.kernel import build, packed
from echolab.settings import Settings
from tests.cluster import jobs
from tests.cluster.conftest import Dask, quiet
from tests.needs import lacking


def test_of_500_jobs_none_is_lost_or_counted_twice_when_two_of_four_workers_are_killed(
    dask: Dask, connect: Callable[..., Cluster], told: list[str]
) -> None:
    """A fifth worker comes in the middle, and has its share."""
    dask.start(4)
    cluster = connect()
    results = []
    for result in cluster.run(range(500), jobs.squared_slowly, jobs.lost, quiet, in_order=False):
        results.append(result)
        if len(results) == 100:
            for worker in dask.workers[:2]:
                worker.kill()
                worker.wait()
            dask.start()
    assert sorted(results) == [(job, job * job) for job in range(500)]
    assert sum("is gone" in line for line in told) == 2
    (used,) = cluster.machines.performed().machines
    assert used.jobs == 500 and len(used.workers) == 5


def test_the_job_of_a_worker_that_hangs_is_performed_elsewhere_and_counts_once(
    dask: Dask, connect: Callable[..., Cluster], told: list[str]
) -> None:
    dask.start(2)
    cluster = connect(patience=2.0)
    results = []
    for result in cluster.run(range(40), jobs.squared_slowly, jobs.lost, quiet, in_order=False):
        results.append(result)
        if len(results) == 10:
            dask.workers[0].send_signal(signal.SIGSTOP)
    assert sorted(results) == [(job, job * job) for job in range(40)]
    assert any("is late" in line for line in told)


def test_what_a_full_disk_keeps_from_being_done_is_done_elsewhere(
    dask: Dask, connect: Callable[..., Cluster], told: list[str], tmp_path: Path
) -> None:
    dask.start(1, XDG_CACHE_HOME=str(tmp_path / "full"))
    dask.start(1, XDG_CACHE_HOME=str(tmp_path / "empty"))
    results = list(connect().run(range(20), jobs.written, jobs.lost, quiet))
    assert results == [(job, job * job) for job in range(20)]
    assert any("No space left" in line for line in told)
    assert sum("gets no more jobs" in line for line in told) <= 1


def test_the_death_of_the_scheduler_ends_the_command_with_what_it_had(
    dask: Dask, connect: Callable[..., Cluster]
) -> None:
    dask.start(2)
    results = []
    performed = connect().run(range(200), jobs.squared_slowly, jobs.lost, quiet, in_order=False)
    with pytest.raises(CannotRun, match="the scheduler is gone") as caught:
        for result in performed:
            results.append(result)
            if len(results) == 10:
                dask.scheduler.kill()
    assert 10 <= len(results) < 200 and "again" in caught.value.remedy


def test_a_worker_without_the_kernel_is_sent_it_and_one_with_another_is_told_of(
    dask: Dask, told: list[str], tmp_path: Path
) -> None:
    here = Settings.from_environment(os.environ)
    kernel = build.find(here.cache)
    if kernel is None:
        lacking("there is no guest kernel")
    other = tmp_path / "linux"
    shutil.copy(kernel.path, other)
    with other.open("ab") as file:
        file.write(b"another")
    digest = hashlib.sha256(other.read_bytes()).hexdigest()
    packed.pack(dataclasses.replace(kernel, path=other, digest=digest), tmp_path / "other")
    dask.start(1, XDG_CACHE_HOME=str(tmp_path / "empty"))
    dask.start(1, XDG_CACHE_HOME=str(tmp_path), ECHOLAB_KERNEL=str(tmp_path / "other"))
    with Cluster(dask.address, here, quiet, told.append) as cluster:
        results = list(cluster.run(range(20), jobs.squared_slowly, jobs.lost, quiet))
        performed = cluster.machines.performed()
    assert results == [(job, job * job) for job in range(20)]
    assert {used.machine.kernel for used in performed.machines} == {kernel.digest, digest}
    assert performed.mixed == ("kernel",) and len(told) == 1 and "guest kernel" in told[0]
    assert build.with_digest(tmp_path / "empty" / "echolab", kernel.digest) is not None
