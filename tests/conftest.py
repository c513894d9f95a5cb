"""What tests of several rooms need: jobs performed in the guest kernel."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hypothesis
import pytest

from echolab import resources
from echolab.engines.exact import engine
from echolab.errors import EcholabError
from echolab.job import Job
from echolab.judge import verdicts
from echolab.record import Record
from echolab.runs import catalogue
from echolab.runs.catalogue import Entry
from echolab.scenario import script
from echolab.settings import Settings
from tests.needs import lacking

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")  # a busy machine fails no test


PerformAll = Callable[[Sequence[Job]], list[Record]]


def jobs_of(path: Path, seed: int = 1, names: Sequence[str] = (), **given: str) -> Iterator[Job]:
    """A job for each scenario of a script, or for those named."""
    hosts = catalogue.topology(resources.COMPOSE)
    for scenario in script.load(path):
        if not names or scenario.name in names:
            yield catalogue.job(Entry(scenario, path), hosts, given, seed, capture=False)


@pytest.fixture(scope="session")
def jobs() -> Callable[..., Iterator[Job]]:
    return jobs_of


@pytest.fixture(scope="session")
def perform_all(tmp_path_factory: pytest.TempPathFactory) -> PerformAll:
    """Performs jobs in one guest and returns their judged records; an error fails the test.

    Where this machine cannot run the guest at all, the test is skipped and says why; with
    CI=true it fails.
    """

    def perform(jobs: Sequence[Job]) -> list[Record]:
        folder = tmp_path_factory.mktemp("guest")
        here = dataclasses.replace(Settings.from_environment(os.environ), folder=folder)
        lack = engine.lack(here)
        if lack:
            lacking(f"{lack.what}; {lack.remedy}")
        results = engine.run_all(jobs, here, lambda line: None)
        errors = [str(result) for result in results if isinstance(result, EcholabError)]
        assert not errors and len(results) == len(jobs), errors
        return [verdicts.judge(result) for result in results if isinstance(result, Record)]

    return perform
