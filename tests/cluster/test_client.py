"""A cluster does what the pool does, with a real scheduler and workers."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab.classroom import collection, exercise, grade
from echolab.classroom.verdict import Verdict
from echolab.cluster import client
from echolab.cluster.client import Cluster
from echolab.engines import registry
from echolab.errors import CannotRun
from echolab.resources import REFERENCES
from echolab.runs import catalogue, explore, grid, sweep
from echolab.runs.explore import Explored
from echolab.runs.workers import Local, Workers
from echolab.settings import Settings
from tests.cluster import jobs
from tests.cluster.conftest import Dask, quiet
from tests.needs import lacking


def test_jobs_come_back_in_their_order_with_the_lines_that_they_told(
    dask: Dask, connect: Callable[..., Cluster]
) -> None:
    dask.start(2)
    shown: list[str] = []
    with connect() as cluster:
        results = cluster.run(range(20), jobs.squared, jobs.lost, shown.append)
        assert list(results) == [(job, job * job) for job in range(20)]
        (used,) = cluster.machines.performed().machines
    assert used.jobs == 20
    assert "squaring 3" in shown


def test_a_job_that_breaks_is_tried_on_another_worker_and_harms_no_other(
    dask: Dask, connect: Callable[..., Cluster], told: list[str]
) -> None:
    dask.start(2)
    with connect() as cluster:
        results = list(cluster.run([2, 3, 4], jobs.killed_by_three, jobs.lost, quiet))
    assert results == [(2, 4), (3, -1), (4, 16)]
    assert len(told) == 1 and "signal 9" in told[0]


def test_where_no_scheduler_is_the_user_is_told_what_to_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "CONNECTING", 0.5)
    with pytest.raises(CannotRun, match="no Dask scheduler at tcp:") as caught:
        Cluster("tcp://127.0.0.1:1", Settings.from_environment(os.environ), quiet, quiet)
    assert "--cluster" in caught.value.remedy


def test_a_sweep_gives_the_same_wherever_it_is_performed(dask: Dask, tmp_path: Path) -> None:
    here = Settings.from_environment(os.environ)
    engine = registry.load("exact")
    if lack := engine.lack(here):
        lacking(f"{lack.what}; {lack.remedy}")
    (entry,) = catalogue.find(["loss"])
    over, given = [grid.axis("loss=0,0.2")], {"count": "20"}
    local, remote = (
        sweep.plan(
            *(entry, over, given, 2),
            engine=engine,
            compose=None,
            environment={},
            out=tmp_path / name,
        )
        for name in ("local", "remote")
    )
    dask.start(2)
    with Cluster(dask.address, here, quiet, quiet) as cluster:
        far = list(sweep.execute(remote, engine, here, quiet, cluster))
    near = list(sweep.execute(local, engine, here, quiet))
    assert sorted(map(str, far)) == sorted(map(str, near))
    assert len(far) == 4 and not any(one.error for one in far)


def test_a_class_has_the_same_results_wherever_it_is_graded(dask: Dask, tmp_path: Path) -> None:
    here = Settings.from_environment(os.environ)
    if lack := registry.load("exact").lack(here):
        lacking(f"{lack.what}; {lack.remedy}")
    for name in ("ada", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
    shutil.copy(
        REFERENCES / "01-stream-client/reference-py/main.py", tmp_path / "class/ada/main.py"
    )
    first = exercise.find("01")
    collected = collection.collect(tmp_path / "class", tmp_path / "staging")
    students = grade.Class.of(first, collected)
    dask.start(1)
    with Cluster(dask.address, here, quiet, quiet) as cluster:
        far = dict(grade.grade(students, students.handed_in, here, quiet, cluster))
    near = dict(grade.grade(students, students.handed_in, here, quiet))
    assert far == near
    assert {one.label: result.count(Verdict.PASSED) > 0 for one, result in far.items()} == {
        "ada": True,
        "bob": False,
    }


def test_exploring_makes_the_same_runs_wherever_it_is_performed(dask: Dask, tmp_path: Path) -> None:
    """As many workers as there search here draw the same."""
    here = Settings.from_environment(os.environ)
    if lack := registry.load("exact").lack(here):
        lacking(f"{lack.what}; {lack.remedy}")

    def explored(workers: Workers) -> Explored:
        asked = explore.Asked("counter", ("operations=3",), None, tmp_path)
        wanted = explore.Wanted(6, seed=1)
        return explore.prepare(asked, wanted, here, {}, quiet, workers).explore(quiet)

    dask.start(2)
    with Cluster(dask.address, here, quiet, quiet) as cluster:
        far = explored(cluster)
        assert sum(used.jobs for used in cluster.machines.performed().machines) == 2
    near = explored(Local(here, 2))
    assert dataclasses.replace(far, seconds=0) == dataclasses.replace(near, seconds=0)
    assert far.runs == 6


def test_a_failure_that_one_machine_finds_is_known_to_the_others(
    dask: Dask, connect: Callable[..., Cluster]
) -> None:
    dask.start(2)
    cluster = connect()
    board = cluster.board(2)
    work = functools.partial(jobs.awaited, board)
    performed = cluster.run([0, 1], work, jobs.lost, lambda line: board.set(0, int(line)))
    assert list(performed) == [(0, 7), (1, 7)]
