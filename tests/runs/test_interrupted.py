"""Runs that are killed or interrupted at any moment: each leaves a record or nothing."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from echolab.runs import interrupts
from tests.runs.conftest import Command, Start, until

pytestmark = pytest.mark.exact

TWO = ("run", "mine.py", "--engine", "exact", "--seed", "1", "--no-report")
ONE = ("run", "loss", "--engine", "exact", "--seed", "1", "--no-report", "--set", "count=2000")

Moment = Callable[[Command], bool]


def folder_made(command: Command) -> bool:
    return any(command.runs.glob("*-exact"))


def job_handed_over(command: Command) -> bool:
    return any(command.runs.glob("*/request.json"))


def guest_booting(command: Command) -> bool:
    return any(command.runs.glob("*/.guest"))


def program_started(command: Command) -> bool:
    return any(log.stat().st_size for log in command.runs.glob("*/programs.log"))


MOMENTS = [folder_made, job_handed_over, guest_booting, program_started]


def records(command: Command) -> list[str]:
    return sorted(path.parent.name[16:] for path in command.runs.glob("*-exact*/record.json"))


def folders(command: Command) -> list[str]:
    return sorted(path.name[16:] for path in command.runs.glob("*-exact*"))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_whose_worker_is_killed_is_run_again_and_the_others_go_on(
    moment: Moment, start: Start
) -> None:
    command = start(*TWO)
    until(lambda: moment(command) and bool(command.workers()))
    os.kill(command.workers()[0], signal.SIGKILL)
    status, stdout, stderr = command.ended()
    assert status == 0, stderr
    assert stdout.index("first on exact") < stdout.index("second on exact")
    assert folders(command) == records(command) == ["first-exact", "second-exact"]
    assert command.left_running() == [] and "Traceback" not in stderr


def test_a_run_whose_worker_is_killed_twice_is_one_line_and_leaves_no_folder(
    start: Start,
) -> None:
    command = start(*TWO)
    until(lambda: len(command.workers()) == 2)
    first, second = command.workers()
    os.kill(first, signal.SIGKILL)
    until(lambda: bool(command.workers()) and second not in command.workers())
    os.kill(command.workers()[0], signal.SIGKILL)
    status, stdout, stderr = command.ended()
    assert status == 4
    (line,) = [line for line in stderr.splitlines() if line.startswith("echolab:")]
    assert line.startswith("echolab: first: the process that ran first was killed by signal 9")
    assert "second on exact" in stdout and "Traceback" not in stderr
    assert folders(command) == records(command) == ["second-exact"]
    assert command.left_running() == []


@pytest.mark.parametrize("words", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_ends_everything_and_leaves_nothing(
    moment: Moment, number: signal.Signals, words: tuple[str, ...], start: Start
) -> None:
    command = start(*words)
    until(lambda: moment(command))
    os.killpg(command.process.pid, number)
    status, stdout, stderr = command.ended()
    assert (status, stdout) == (130, ""), stderr
    assert stderr.splitlines()[-1] == "echolab: interrupted; what was started has been undone"
    assert not command.runs.exists() and "Traceback" not in stderr
    until(lambda: command.left_running() == [])  # a guest's processes end after their kernel


@pytest.mark.parametrize("words", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupts_upon_interrupts_leave_nothing_either(
    moment: Moment, words: tuple[str, ...], start: Start
) -> None:
    command = start(*words)
    until(lambda: moment(command))
    while command.process.poll() is None:
        os.killpg(command.process.pid, signal.SIGINT)
    status, stdout, stderr = command.ended()
    assert status == 130 and stdout == "" and "Traceback" not in stderr
    assert not command.runs.exists()
    until(lambda: command.left_running() == [])


@pytest.mark.parametrize("moment", MOMENTS)
def test_workers_and_guests_end_with_a_command_that_is_killed(moment: Moment, start: Start) -> None:
    command = start(*TWO)
    until(lambda: moment(command))
    command.process.kill()
    command.ended()
    until(lambda: command.left_running() == [])


def test_runs_that_had_ended_before_an_interrupt_stay(start: Start) -> None:
    command = start(*TWO, "--set", "count=1500", prefix=("taskset", "-c", "0"))
    until(lambda: any(command.runs.glob("*/record.json")))
    os.killpg(command.process.pid, signal.SIGINT)
    status, _, _ = command.ended()
    assert status == 130
    assert folders(command) == records(command) == ["first-exact"]


STUDENTS = ("ada", "bob", "cleo", "dan", "eve", "finn")


def grading(tmp_path: Path, start: Start, students: int = 6, prefix: Sequence[str] = ()) -> Command:
    solution = Path(__file__).parents[1] / "exercises" / "01-stream-client" / "reference-py"
    for student in STUDENTS[:students]:
        shutil.copytree(solution, tmp_path / "class" / student)
    return start("grade", "1", "class", prefix=prefix)


def guest_of_a_check(command: Command) -> bool:
    """Whether a student's submission is being checked: the self-test before them has ended."""
    begun = (command.folder / "grades/grading.json").exists()
    return begun and any(command.folder.glob("cache/echolab/checks/*/guest-0/.guest"))


def checks_left(command: Command) -> list[Path]:
    return list(command.folder.glob("cache/echolab/checks/*"))


def verdicts(command: Command) -> dict[str, str]:
    """The verdict of the first case of each student, as the table of results has it."""
    with (command.folder / "grades/results.csv").open(encoding="utf-8", newline="") as table:
        return {row["student"]: row["1 one-piece"] for row in csv.DictReader(table)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_grading_and_keeps_what_is_done(
    number: signal.Signals, tmp_path: Path, start: Start
) -> None:
    command = grading(tmp_path, start, prefix=("taskset", "-c", "0"))
    until(lambda: any(command.folder.glob("grades/results/*.json")))
    until(lambda: guest_of_a_check(command))
    os.killpg(command.process.pid, number)
    status, stdout, stderr = command.ended()
    assert status == 130 and stdout == "" and "Traceback" not in stderr
    assert command.left_running() == [] and checks_left(command) == []
    found = verdicts(command)
    done = [student for student, verdict in found.items() if verdict == "passed"]
    assert sorted(found) == list(STUDENTS) and 1 <= len(done) < len(STUDENTS)
    assert set(found.values()) == {"passed", "not graded"}
    assert f"{6 - len(done)} of 6" in (tmp_path / "grades/PARTIAL.txt").read_text(encoding="utf-8")
    assert "to go on: ./lab grade 01-stream-client class --out grades --resume" in stderr


def test_grading_goes_on_where_it_was_stopped(tmp_path: Path, start: Start) -> None:
    command = grading(tmp_path, start, students=3, prefix=("taskset", "-c", "0"))
    until(lambda: any(command.folder.glob("grades/results/*.json")))
    os.killpg(command.process.pid, signal.SIGINT)
    command.ended()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("grades/results/*.json")}
    command = start("grade", "1", "class", "--resume")
    status, _, stderr = command.ended()
    assert status == 0, stderr
    assert f"{len(kept)} keep the result that they have" in stderr
    assert set(verdicts(command).values()) == {"passed"}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not (tmp_path / "grades/PARTIAL.txt").exists()


def test_one_student_is_graded_again_and_the_others_stay(tmp_path: Path, start: Start) -> None:
    grading(tmp_path, start, students=2).ended()
    wrong = Path(__file__).parents[1] / "exercises" / "01-stream-client" / "wrong-family-unset"
    for student in STUDENTS[:2]:
        shutil.rmtree(tmp_path / "class" / student)
        shutil.copytree(wrong, tmp_path / "class" / student)
    command = start("grade", "1", "class", "--again", "bob", "--jobs", "1")
    status, _, stderr = command.ended()
    assert status == 0, stderr
    assert verdicts(command) == {"ada": "passed", "bob": "failed"}


def test_interrupts_upon_interrupts_end_grading(tmp_path: Path, start: Start) -> None:
    command = grading(tmp_path, start)
    until(lambda: guest_of_a_check(command))
    while command.process.poll() is None:
        os.killpg(command.process.pid, signal.SIGINT)
    status, stdout, stderr = command.ended()
    assert status == 130 and stdout == "" and "Traceback" not in stderr
    assert command.left_running() == [] and checks_left(command) == []


def test_a_checker_that_is_killed_costs_nobody_a_result(tmp_path: Path, start: Start) -> None:
    command = grading(tmp_path, start, students=2)
    until(lambda: guest_of_a_check(command))
    os.kill(command.workers()[0], signal.SIGKILL)
    status, _, stderr = command.ended()
    assert status == 0, stderr
    with (tmp_path / "grades" / "results.csv").open(encoding="utf-8") as table:
        rows = {row["student"]: row["not judged"] for row in csv.DictReader(table)}
    assert rows == dict.fromkeys(STUDENTS[:2], "0")
    assert command.left_running() == [] and checks_left(command) == []


def test_timeout_ends_grading(tmp_path: Path, start: Start) -> None:
    """timeout(1) signals the command, and then its whole group: two signals are one."""
    command = grading(tmp_path, start, prefix=("timeout", "3"))
    status, stdout, stderr = command.ended()
    assert status == 124 and stdout == "" and "Traceback" not in stderr
    assert "interrupted; what was started has been undone" in stderr
    assert command.left_running() == [] and checks_left(command) == []


def test_second_interrupts_at_any_moment_leave_nothing_of_grading(
    tmp_path: Path, start: Start
) -> None:
    """Those of a person, who does not press as quickly as timeout(1) signals twice."""
    command = grading(tmp_path, start)
    until(lambda: bool(checks_left(command)))
    while command.process.poll() is None:
        os.killpg(command.process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.process.wait(interrupts.SAME * 1.2)
    status, stdout, stderr = command.ended()
    assert status == 130 and stdout == "" and "Traceback" not in stderr
    assert command.left_running() == [] and checks_left(command) == []
