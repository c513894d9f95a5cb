"""The same seed gives the same bytes, whatever state the machine is in; leaks are found."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from benchmarks import determinism, languages, states
from echolab.engines.exact import engine
from echolab.kernel import build
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = [pytest.mark.exact, pytest.mark.slow]

STATES = (
    "idle",
    "busy",
    "one_core",
    "stopped",
    "not_randomised",
    "elsewhere",
    "copies",
    "secretive",
    "deeper",
    "without_captures",
    "ordinary_user",
    pytest.param("container", marks=pytest.mark.docker),
)

PROGRAMS = (*languages.SERVERS, "python, threads", "python, asyncio")


@pytest.fixture(scope="module")
def stage() -> Iterator[states.Stage]:
    here = Settings.from_environment(os.environ)
    lack = engine.lack(here)
    if lack or not build.find(here.cache, here.kernel):
        lacking(f"the exact engine cannot run: {lack or 'its kernel is not built'}")
    with states.stage() as made:
        yield made


@pytest.fixture(scope="module")
def expected(stage: states.Stage) -> states.Left:
    return states.idle(stage, determinism.job_file(stage, "loss", 7))


@pytest.mark.parametrize("state", STATES)
def test_a_run_is_the_same_bytes_in_every_state_of_the_machine(
    stage: states.Stage, expected: states.Left, state: str
) -> None:
    if state == "container" and not states.docker_answers():
        lacking("no Docker daemon answers")
    run = getattr(states, state)
    left = run(stage, determinism.job_file(stage, "loss", 7))
    assert states.same(run, left, expected), (left, expected)


@pytest.mark.parametrize("name", ["rate", "corrupt"])
def test_captures_change_nothing_of_a_stream(stage: states.Stage, name: str) -> None:
    """Whatever TCP does with its memory: `rate` fills its buffers to their limit."""
    job = determinism.job_file(stage, name, 1)
    assert states.without_captures(stage, job).figures == states.idle(stage, job).figures


def test_another_seed_gives_other_bytes(stage: states.Stage, expected: states.Left) -> None:
    assert states.idle(stage, determinism.job_file(stage, "loss", 8)) != expected


@pytest.mark.parametrize("name", PROGRAMS)
def test_any_program_is_the_same_bytes_on_a_busy_machine(stage: states.Stage, name: str) -> None:
    if name in languages.SERVERS and (program := languages.SERVERS[name].lacks()):
        lacking(f"{program} is missing")
    job = determinism.job_file(stage, name, 7)
    assert states.busy(stage, job) == states.idle(stage, job)


@pytest.mark.parametrize("leak", determinism.LEAKS)
def test_a_planted_leak_is_found(stage: states.Stage, leak: str) -> None:
    assert len(determinism.leaking(stage, leak)) == 2
