"""The pool: a job harms no other, results come in order, and no worker outlives its end."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echolab.progress import Progress
from echolab.resources import ROOT
from echolab.runs import pool
from tests.runs.signals import wait_for_signal


def quiet(line: str) -> None:
    """Show nothing."""


def lost(job: object, why: str) -> str:
    return f"{job} {why}"


def squared(job: int, progress: Progress) -> str:
    return str(job * job)


def test_results_come_in_the_order_of_the_jobs_whoever_ends_first(tmp_path: Path) -> None:
    def work(job: int, progress: Progress) -> str:
        if job == 0:
            wait_for(tmp_path / "1")
        (tmp_path / str(job)).touch()
        return str(job)

    assert list(pool.run([0, 1, 2], work, lost, quiet, workers=2)) == ["0", "1", "2"]


def test_results_come_as_jobs_end_where_the_order_does_not_matter(tmp_path: Path) -> None:
    def work(job: int, progress: Progress) -> str:
        if job == 0:
            wait_for(tmp_path / "yielded")
        return str(job)

    results = pool.run([0, 1], work, lost, quiet, workers=2, in_order=False)
    assert next(results) == "1"
    (tmp_path / "yielded").touch()
    assert list(results) == ["0"]


def wait_for(path: Path) -> None:
    """Wait until a file is there; the test's own time limit is the limit."""
    ended = threading.Event()
    while not path.exists():
        ended.wait(0.001)


def test_a_job_is_taken_only_when_a_worker_is_free_for_it() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[int]:
        for job in range(4):
            taken.append(job)
            yield job

    results = pool.run(jobs(), squared, lost, quiet, workers=2)
    assert taken == [] and next(results) == "0" and 3 not in taken
    assert list(results) == ["1", "4", "9"]


def test_progress_of_every_worker_is_shown_by_the_process_that_waits() -> None:
    shown: list[tuple[int, str]] = []

    def work(job: int, progress: Progress) -> str:
        progress(f"job {job}")
        return ""

    list(pool.run([1, 2], work, lost, lambda line: shown.append((os.getpid(), line))))
    assert sorted(shown) == [(os.getpid(), "job 1"), (os.getpid(), "job 2")]


def killed(job: int, progress: Progress) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "unreachable"


def aborted(job: int, progress: Progress) -> str:
    faulthandler.disable()  # pytest enables it
    os.abort()


def left(job: int, progress: Progress) -> str:
    os._exit(7)


def raised(job: int, progress: Progress) -> str:
    raise ValueError("for the test")


def unpicklable(job: int, progress: Progress) -> object:
    return lambda: None


@pytest.mark.parametrize(
    ("dies", "why"),
    [
        (killed, "was killed by signal 9"),
        (aborted, "was killed by signal 6"),
        (left, "ended with status 7"),
        (raised, "met an unexpected error in "),
        (unpicklable, "met an unexpected error in "),
    ],
)
def test_a_worker_that_dies_loses_its_own_job_alone(
    dies: Callable[[int, Progress], object], why: str
) -> None:
    def work(job: int, progress: Progress) -> object:
        return dies(job, progress) if job == 1 else squared(job, progress)

    results = list(pool.run(range(4), work, lost, quiet, workers=2))
    assert results[:1] + results[2:] == ["0", "4", "9"]
    assert str(results[1]).startswith(f"1 {why}")


def test_a_job_whose_worker_died_is_done_once_more_with_nothing_beside_it(tmp_path: Path) -> None:
    def work(job: int, progress: Progress) -> str:
        mine = tmp_path / f"{job}"
        if job == 0 and not mine.exists():
            mine.touch()
            wait_for(tmp_path / "1")
            os.kill(os.getpid(), signal.SIGKILL)
        mine.touch()
        beside = sorted(path.name for path in tmp_path.glob("under-way-*"))
        (tmp_path / f"under-way-{job}").touch()
        if job == 1:
            wait_for(tmp_path / "0")
        (tmp_path / f"under-way-{job}").unlink()
        return f"{job} beside {beside}"

    results = list(pool.run(range(4), work, lost, quiet, workers=2))
    assert results[0] == "0 beside []"
    assert [result[0] for result in results] == ["0", "1", "2", "3"]


def test_nothing_is_under_way_once_the_iterator_is_closed(tmp_path: Path) -> None:
    def work(job: int, progress: Progress) -> str:
        try:
            (tmp_path / f"begun-{os.getpid()}").touch()
            if job:
                wait_for_signal()
        finally:
            (tmp_path / f"undone-{os.getpid()}").touch()
        return ""

    results = pool.run(range(3), work, lost, quiet, workers=2)
    with contextlib.closing(results):
        next(results)
    begun = {path.name.partition("-")[2] for path in tmp_path.glob("begun-*")}
    undone = {path.name.partition("-")[2] for path in tmp_path.glob("undone-*")}
    assert begun == undone
    assert not any(Path("/proc", pid).exists() for pid in begun)


POOL = """
import os, signal, sys
from pathlib import Path
from echolab.runs import interrupts, pool
from tests.runs.signals import wait_for_signal

interrupts.SAME = 0
pool.UNDOING = {undoing}

def work(job, progress):
    if {stubborn}:
        signal.signal(signal.SIGTERM, lambda *_: progress("asked to end"))
    try:
        progress(str(os.getpid()))
        while True:
            wait_for_signal()
    finally:
        Path(sys.argv[1], str(os.getpid())).touch()

interrupts.install()
try:
    list(pool.run(range(2), work, None, lambda line: print(line, flush=True), workers=2))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def start(
    folder: Path, *, stubborn: bool = False, undoing: float = 600
) -> tuple[subprocess.Popen[str], set[str]]:
    """A process whose pool has two workers under way, and their numbers."""
    script = POOL.format(stubborn=stubborn, undoing=undoing)
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return process, {line(process) for _ in range(2)}


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_has_every_worker_undo_once(
    number: signal.Signals, tmp_path: Path
) -> None:
    process, pids = start(tmp_path)
    os.killpg(process.pid, number)
    assert process.communicate(timeout=20)[0] == "interrupted\n"
    assert {path.name for path in tmp_path.iterdir()} == pids
    assert not any(Path("/proc", pid).exists() for pid in pids)


def test_workers_that_do_not_end_are_killed(tmp_path: Path) -> None:
    process, pids = start(tmp_path, stubborn=True, undoing=0.5)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[0].endswith("interrupted\n")
    assert not any(Path("/proc", pid).exists() for pid in pids)


def test_a_second_interrupt_kills_workers_at_once(tmp_path: Path) -> None:
    process, pids = start(tmp_path, stubborn=True)
    process.send_signal(signal.SIGINT)
    assert [line(process) for _ in range(2)] == ["asked to end", "asked to end"]
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[0] == "interrupted\n"
    assert not any(Path("/proc", pid).exists() for pid in pids)


def test_workers_undo_their_work_when_the_process_that_waits_is_killed(tmp_path: Path) -> None:
    process, pids = start(tmp_path)
    gone = [os.pidfd_open(int(pid)) for pid in pids]
    process.kill()
    process.communicate(timeout=20)
    for descriptor in gone:
        assert select.select([descriptor], [], [], 20)[0] == [descriptor]
        os.close(descriptor)
    assert {path.name for path in tmp_path.iterdir()} == pids


def test_there_are_as_many_workers_as_this_process_may_use_processors() -> None:
    script = (
        "import os; from echolab.runs import pool\n"
        "os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}); print(pool.processors())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "1\n"
