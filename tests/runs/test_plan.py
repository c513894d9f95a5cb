"""Planning: what an engine does not honour of a Compose file is said before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from echolab.errors import BadInput
from echolab.runs import catalogue, plan


def planned(folder: Path, text: str, **environment: str) -> tuple[plan.PlannedRun, ...]:
    file = folder / "lab.yaml"
    file.write_text(text, encoding="utf-8")
    return plan.plan(
        catalogue.find(["loss"]),
        {},
        compose=file,
        seed=1,
        capture=False,
        environment=environment,
    )


def test_the_hosts_are_those_that_the_variables_make(tmp_path: Path) -> None:
    (run,) = planned(tmp_path, "services: {a: {scale: '${N}'}, b: {profiles: [p]}}", N="2")
    assert run.job.topology.names() == ("a-1", "a-2")


def test_what_changes_neither_network_nor_programs_is_a_warning_of_the_run(tmp_path: Path) -> None:
    text = "services:\n  a:\n    ports: ['80:80']\n    user: $NONE\n"
    (run,) = plan.for_engine(planned(tmp_path, text), "exact")
    assert run.project is None
    assert [line.partition("lab.yaml:")[2].partition(";")[0] for line in run.warnings] == [
        "4: the variable NONE is not set and counts as empty",
        "3: services.a.ports: the engine exact does not honour it: "
        "hosts cannot be reached from this machine",
    ]


def test_what_would_be_another_program_is_refused_by_the_engine_that_lacks_it(
    tmp_path: Path,
) -> None:
    runs = planned(tmp_path, "services: {a: {privileged: true}}")
    with pytest.raises(
        BadInput, match=r"services.a.privileged: the engine exact .*--engine docker"
    ):
        plan.for_engine(runs, "exact")
    assert plan.for_engine(runs, "docker")[0].warnings == ()
