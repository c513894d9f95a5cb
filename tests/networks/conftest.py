"""Labs of several networks: Compose files written here, and scenarios performed on them."""

from __future__ import annotations

import dataclasses
import itertools
import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.errors import EcholabError
from echolab.job import Job
from echolab.judge import verdicts
from echolab.record import Record
from echolab.runs import catalogue
from echolab.scenario import script
from echolab.settings import Settings
from tests.needs import lacking

Run = Callable[..., Record]

HEAD = "from echolab import Lab, Link, scenario\n\n"


@pytest.fixture(scope="module")
def exactly(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a script's only scenario on the hosts of a Compose file's text, in the exact engine."""
    numbers = itertools.count(1)

    def run(
        compose: str,
        text: str,
        *,
        seed: int = 1,
        capture: bool = False,
        folder: Path | None = None,
    ) -> Record:
        folder = folder or tmp_path_factory.mktemp(f"lab-{next(numbers)}")
        job = job_of(folder, compose, text, seed=seed, capture=capture)
        here = dataclasses.replace(Settings.from_environment(os.environ), folder=folder)
        lack = engine.lack(here)
        if lack:
            lacking(f"{lack.what}; {lack.remedy}")
        (result,) = engine.run_all([job], here, lambda line: None)
        if isinstance(result, EcholabError):
            raise result
        return verdicts.judge(result)

    return run


def job_of(folder: Path, compose: str, text: str, *, seed: int, capture: bool) -> Job:
    """The job that a Compose file and a script with one scenario are."""
    file, path = folder / "compose.yaml", folder / "lab.py"
    file.write_text(textwrap.dedent(compose), encoding="utf-8")
    path.write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
    (marked,) = script.load(path)
    hosts = catalogue.topology(file)
    return catalogue.job(catalogue.Entry(marked, path), hosts, {}, seed, capture=capture)


def passed(record: Record) -> bool:
    """Whether a record passed; what did not is printed."""
    print([check for check in record.checks if check.verdict != "pass"])
    print([claim for claim in record.claims if claim.verdict != "pass"])
    return record.verdict == "pass"
