"""The same seed gives the same bytes, whatever state the machine is in; leaks are found."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from echolab.cli import settings
from echolab.engines import exact
from echolab.kernel import build
from tests.needs import lacking

pytestmark = [pytest.mark.exact, pytest.mark.slow]

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "determinism.py"

STATES = (
    *("idle", "busy", "one_core", "stopped", "not_randomised", "elsewhere", "copies"),
    *("ordinary_user", "container"),
)


@pytest.fixture(scope="module")
def determinism() -> ModuleType:
    spec = importlib.util.spec_from_file_location("determinism", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["determinism"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stage(determinism: ModuleType) -> Iterator[Any]:
    here = settings()
    lack = exact.lack(here)
    if lack or not build.find(here.cache, here.kernel):
        lacking(f"the exact engine cannot run: {lack or 'its kernel is not built'}")
    with determinism.stage() as made:
        yield made


@pytest.fixture(scope="module")
def expected(determinism: ModuleType, stage: Any) -> str:
    digest: str = determinism.idle(stage, stage.job("loss", 7))
    return digest


@pytest.mark.parametrize("state", STATES)
def test_a_run_is_the_same_bytes_in_every_state_of_the_machine(
    determinism: ModuleType, stage: Any, expected: str, state: str
) -> None:
    if state == "container" and not determinism.docker_answers():
        lacking("no Docker daemon answers")
    assert getattr(determinism, state)(stage, stage.job("loss", 7)) == expected


def test_another_seed_gives_other_bytes(determinism: ModuleType, stage: Any, expected: str) -> None:
    assert determinism.idle(stage, stage.job("loss", 8)) != expected


@pytest.mark.parametrize("leak", ["clock", "entropy", "file time"])
def test_a_planted_leak_is_found(determinism: ModuleType, stage: Any, leak: str) -> None:
    assert len(determinism.leaking(stage, leak)) == 2
