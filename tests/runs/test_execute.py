"""Executed runs: each leaves a folder with a record, or none, or one that helps to see why."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab import resources
from echolab.engines.registry import TRAITS, Lack, Needs, Opened, Perform
from echolab.errors import BadInput, CannotRun, EcholabError, ExitStatus, ScriptError
from echolab.job import Job
from echolab.progress import Progress
from echolab.record.values import Record
from echolab.runs import catalogue, plan
from echolab.runs.execute import ExecutedRun, execute, status
from echolab.runs.plan import PlannedRun
from echolab.settings import Settings
from tests.runs.conftest import Start


class Engine:
    """An engine that does what a test says in place of performing a job."""

    NAME = "namespaces"
    TRAITS = TRAITS["namespaces"]

    def __init__(self, does: Callable[[Path], Record]) -> None:
        self._does = does

    def lack(self, settings: Settings) -> Lack | None:
        return None

    def needs(self, settings: Settings) -> Needs:
        return Needs(0)

    def run(self, job: Job, settings: Settings, progress: Progress, perform: Perform) -> Record:
        return self._does(settings.folder)

    def open_lab(self, job: Job, settings: Settings, progress: Progress) -> Opened:
        raise NotImplementedError


def planned(*names: str) -> tuple[PlannedRun, ...]:
    entries = catalogue.find(names)
    return plan.plan(entries, {}, compose=None, seed=1, capture=False)


def executed(does: Callable[[Path], Record], out: Path) -> ExecutedRun:
    here = Settings.from_environment(os.environ)
    (run,) = execute(planned("loss"), Engine(does), out, here, lambda line: None)
    return run


@pytest.mark.parametrize(
    "error", [CannotRun("it broke"), BadInput("it is wrong"), ScriptError("it is wrong")]
)
def test_an_error_that_left_nothing_leaves_no_folder(error: EcholabError, tmp_path: Path) -> None:
    def fails(folder: Path) -> Record:
        assert folder.is_dir()
        (folder / "empty").touch()
        raise error

    run = executed(fails, tmp_path / "runs")
    assert run.error is error and run.folder is None and run.record is None
    assert not (tmp_path / "runs").exists()


def test_what_an_engine_left_that_broke_down_is_kept_and_named(tmp_path: Path) -> None:
    def fails(folder: Path) -> Record:
        (folder / "programs.log").write_text("it was here")
        raise CannotRun("it broke")

    run = executed(fails, tmp_path / "runs")
    assert run.folder is not None and (run.folder / "programs.log").read_text() == "it was here"


def test_what_a_wrong_script_left_is_not_kept(tmp_path: Path) -> None:
    def fails(folder: Path) -> Record:
        (folder / "programs.log").write_text("it was here")
        raise ScriptError("it is wrong")

    assert executed(fails, tmp_path / "runs").folder is None
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()])
def test_an_interrupt_or_a_mistake_of_ours_leaves_no_folder(
    error: BaseException, tmp_path: Path
) -> None:
    def fails(folder: Path) -> Record:
        (folder / "programs.log").write_text("it was here")
        raise error

    with pytest.raises(type(error)):
        executed(fails, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_folder_is_made_when_its_run_begins(tmp_path: Path) -> None:
    seen: list[int] = []

    def fails(folder: Path) -> Record:
        seen.append(len(list(folder.parent.iterdir())))
        raise BadInput("it is wrong")

    here = Settings.from_environment(os.environ)
    runs = planned("loss", "latency", "echo")
    errors = [run.error for run in execute(runs, Engine(fails), tmp_path, here, lambda line: None)]
    assert seen == [1, 1, 1] and len(errors) == 3 and list(tmp_path.iterdir()) == []


def test_the_status_is_that_of_the_worst_error() -> None:
    (run,) = planned("loss")
    errors = (BadInput("it is wrong"), CannotRun("it broke"))
    assert status([ExecutedRun(run, None, None, error) for error in errors]) == ExitStatus.CANNOT
    assert status([ExecutedRun(run, None, None, errors[0])]) == ExitStatus.BAD_INPUT


def test_a_run_is_planned_without_a_folder_and_only_for_engines_that_can_perform_it() -> None:
    (run,) = planned("loss")
    only = PlannedRun(run.job, run.compose, ("exact",))
    without = dataclasses.replace(run, project=None)
    assert plan.for_engine((run, only), "exact") == (without, only)
    assert plan.for_engine((run, only), "docker") == (without,)
    assert plan.left_out((run, only), "docker") == (
        "loss is left out: it runs in exact, not in docker",
    )
    with pytest.raises(BadInput, match="the engine docker can run none of these"):
        plan.for_engine((only,), "docker")


FAILING = """
from echolab import Lab, scenario

@scenario(baseline=False)
def unheard(lab: Lab) -> None:
    lab.run("client", ["true"])
    lab.until_listening("client", 9)

@scenario(baseline=False)
def wrong(lab: Lab) -> None:
    lab.run("client", ["true"])
    raise ValueError("for the test")
"""


@pytest.mark.exact
def test_in_the_exact_engine_only_a_breakdown_leaves_its_files(
    tmp_path: Path, start: Start
) -> None:
    (tmp_path / "mine.py").write_text(FAILING, encoding="utf-8")
    command = start("run", "mine.py", "--engine", "exact")
    code, _, said = command.ended()
    assert code == 4 and "Traceback (most" not in said
    (kept,) = (tmp_path / "runs").iterdir()
    assert "nothing listens on tcp port 9 of client" in said
    assert f"; what it left is in runs/{kept.name}\n" in said
    assert "unheard" in kept.name and (kept / "programs.log").is_file()


@pytest.mark.exact
@pytest.mark.parametrize("gone", ["compose", "script"])
def test_a_replay_whose_files_are_gone_leaves_nothing(
    gone: str, tmp_path: Path, start: Start
) -> None:
    (tmp_path / "lab.yaml").write_text(resources.COMPOSE.read_text(encoding="utf-8"))
    words = ("--engine", "exact", "--no-report", "--compose", "lab.yaml")
    assert start("run", "mine.py", *words).ended()[0] == 0
    before = sorted((tmp_path / "runs").iterdir())
    (tmp_path / {"compose": "lab.yaml", "script": "mine.py"}[gone]).unlink()
    status, stdout, stderr = start("replay", "latest").ended()
    assert status == 2 and stdout == "" and "which the record names, is gone" in stderr
    assert sorted((tmp_path / "runs").iterdir()) == before


@pytest.mark.exact
@pytest.mark.parametrize(
    "words",
    [
        ("mine.py", "--set", "count=many"),
        ("mine.py", "--set", "nothing=1"),
        ("mine.py", "--compose", "none.yaml"),
        ("none.py",),
        ("none",),
    ],
)
def test_bad_input_leaves_nothing(words: tuple[str, ...], tmp_path: Path, start: Start) -> None:
    assert start("run", "--engine", "exact", *words).ended()[0] == 2
    assert not (tmp_path / "runs").exists()


def test_an_empty_catalogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"there are no scenarios in .*; install echolab again"):
        catalogue.every(tmp_path)
