"""Twelve labs of networks: docker and exact see the same names, ways and claims."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from echolab.engines.exact import engine as exact
from echolab.errors import EcholabError
from echolab.job import Job
from echolab.judge import verdicts
from echolab.record import Record
from echolab.runs import catalogue
from echolab.scenario import script
from echolab.scenario.performance import perform
from echolab.settings import Settings
from tests.needs import lacking
from tests.networks.conftest import passed
from tests.networks.topologies import CASES, Case

SCENARIOS = Path(__file__).with_name("scenarios.py")

Results = Mapping[tuple[str, str], Record]


def jobs(case: Case, folder: Path) -> list[Job]:
    """The jobs of a case: what is seen, and what a link does."""
    file = folder / "compose.yaml"
    file.write_text(case.text(), encoding="utf-8")
    hosts = catalogue.topology(file)
    given = {
        "seen": {"of": case.of, "targets": case.targets, "names": case.names},
        "shaped": {"host": case.host, "network": case.network, "to": case.to},
    }
    return [
        catalogue.job(catalogue.Entry(one, SCENARIOS), hosts, given[one.name], 1, capture=True)
        for one in script.load(SCENARIOS)
    ]


def here(folder: Path) -> Settings:
    settings = Settings.from_environment(os.environ)
    return dataclasses.replace(settings, folder=folder, compose=folder / "compose.yaml")


@pytest.fixture(scope="module")
def in_exact(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The records of all cases, from one guest."""
    folder = tmp_path_factory.mktemp("exact")
    lack = exact.lack(here(folder))
    if lack is not None:
        lacking(f"{lack.what}; {lack.remedy}")
    wanted = [(case.name, job) for case in CASES for job in jobs(case, folder)]
    results = exact.run_all([job for _, job in wanted], here(folder), lambda line: None)
    found = {}
    for (name, job), result in zip(wanted, results, strict=True):
        assert isinstance(result, Record), (name, result)
        found[name, job.scenario] = verdicts.judge(result)
    return found


InDocker = Callable[[Case], Mapping[str, Record]]


@pytest.fixture(scope="module")
def in_docker(tmp_path_factory: pytest.TempPathFactory) -> InDocker:
    """Performs a case on containers, its scenarios one after the other on the same ones."""
    kept: dict[str, Mapping[str, Record]] = {}

    def run(case: Case) -> Mapping[str, Record]:
        if case.name not in kept:
            kept[case.name] = _contained(case, tmp_path_factory.mktemp(case.name))
        return kept[case.name]

    return run


def _contained(case: Case, folder: Path) -> Mapping[str, Record]:
    from echolab.engines.docker import engine

    lack = engine.lack(here(folder))
    if lack is not None:
        lacking(f"{lack.what}; {lack.remedy}")
    # What looks for ways leaves answers under way; so the packets are counted before it.
    ordered = sorted(jobs(case, folder), key=lambda job: job.scenario != "shaped")
    wanted = [dataclasses.replace(job, capture=False) for job in ordered]
    found = {}
    with engine.open_network(wanted[0], here(folder), lambda line: None) as network:
        for job in wanted:
            try:
                found[job.scenario] = verdicts.judge(perform(job, network, engine.NAME))
            except EcholabError as error:
                raise AssertionError(f"{case.name}: {error}") from error
    return found


def seen(record: Record) -> Any:
    (note,) = (note for note in record.notes if note.subject == "seen")
    return json.loads(json.dumps(note.value))


ids = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.mark.exact
@ids
def test_the_ways_are_those_of_the_file(case: Case, in_exact: Results) -> None:
    told = seen(in_exact[case.name, "seen"])
    for host, to, way in case.ways:
        assert told[host]["ways"][to] == (None if way is None else list(way))


@pytest.mark.exact
@ids
def test_every_claim_about_a_link_holds_in_exact(case: Case, in_exact: Results) -> None:
    record = in_exact[case.name, "shaped"]
    assert passed(record)


@pytest.mark.exact
@pytest.mark.docker
@pytest.mark.alone
@ids
def test_containers_see_the_same(case: Case, in_exact: Results, in_docker: InDocker) -> None:
    assert seen(in_docker(case)["seen"]) == seen(in_exact[case.name, "seen"])


@pytest.mark.docker
@pytest.mark.alone
@ids
def test_every_claim_about_a_link_holds_in_containers(case: Case, in_docker: InDocker) -> None:
    record = in_docker(case)["shaped"]
    assert passed(record)


def test_there_are_twelve_labs() -> None:
    assert len({case.name for case in CASES}) == 12
