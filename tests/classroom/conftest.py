"""What the classroom's tests share: submissions of the exercises, checked side by side."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import hypothesis
import pytest

from echolab.classroom import check, exercise
from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CheckResult
from echolab.engines.exact import engine
from echolab.runs import pool
from echolab.settings import Settings
from tests.needs import lacking

SUBMISSIONS = Path(__file__).parent.parent / "exercises"

# A machine that grades a class beside its tests is slow; no property here is about time.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

Submit = Callable[[CheckRequest], Future[CheckResult]]


def checked(order: CheckRequest) -> CheckResult:
    """The result of an order; runs in a process of its own."""
    return check.check(order, Settings.from_environment(os.environ), lambda line: None)


def own_order(
    name: str, submission: str, *cases: int, seed: int = 1, explain: int = 0
) -> CheckRequest:
    """The order to check a submission of the tests' own, or some cases of it."""
    found = exercise.find(name)
    path = SUBMISSIONS / submission
    if not path.exists():
        path = SUBMISSIONS / found.name / submission
    return CheckRequest(found, path, submission, seed, chosen=cases, explain=explain)


@pytest.fixture(scope="session")
def order_of() -> Callable[..., CheckRequest]:
    return own_order


@pytest.fixture(scope="session")
def guest() -> None:
    """Skip where this machine cannot run the guest at all, and say why; in CI, fail."""
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")


@pytest.fixture(scope="session")
def submit(guest: None) -> Iterator[Submit]:
    """Checks an order in a process of its own, as many at once as there are processors."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(pool.processors(), mp_context=context) as workers:
        yield lambda order: workers.submit(checked, order)
        workers.shutdown(wait=True, cancel_futures=True)
