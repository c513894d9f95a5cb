"""Services of containers: they wait for one another, are tested, and are started again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab.engines.docker import engine
from echolab.engines.docker.attach import Api
from echolab.errors import BadInput, CannotRun
from echolab.judge import verdicts
from echolab.record import Record
from echolab.scenario.performance import perform
from echolab.settings import Settings
from tests.docker.conftest import left
from tests.lives.files import LIVES, REFUSED, Lab
from tests.networks.conftest import job_of

pytestmark = pytest.mark.docker

Run = Callable[[Lab], Record]

IN_REAL_TIME = ("started again", "turns unhealthy")
"""Labs whose services must have got somewhere after some seconds."""


@pytest.fixture
def in_docker(apart: Settings, tmp_path: Path) -> Run:
    """Performs a lab's scenario on containers."""

    def run(lab: Lab) -> Record:
        job = job_of(tmp_path, lab.file, lab.script, seed=1, capture=False)
        here = dataclasses.replace(apart, folder=tmp_path, compose=tmp_path / "compose.yaml")
        with engine.open_network(job, here, lambda line: None) as network:
            return verdicts.judge(perform(job, network, "docker"))

    return run


@pytest.mark.parametrize(
    "lab",
    [
        pytest.param(lab, id=lab.name, marks=[pytest.mark.alone] * (lab.name in IN_REAL_TIME))
        for lab in LIVES
    ],
)
def test_services_live_as_the_file_says(lab: Lab, in_docker: Run) -> None:
    record = in_docker(lab)
    lab.check(record.lives)
    assert [claim.text for claim in record.claims if claim.holds is False] == []


@pytest.mark.parametrize("lab", REFUSED, ids=lambda lab: lab.name)
def test_a_service_that_cannot_live_is_told_in_one_line(
    lab: Lab, in_docker: Run, api: Api, apart: Settings
) -> None:
    with pytest.raises((CannotRun, BadInput), match=lab.error) as caught:
        in_docker(lab)
    assert "\n" not in str(caught.value)
    assert left(api, apart) == []
