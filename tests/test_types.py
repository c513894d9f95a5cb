"""Objects without a type stand where other people's JSON and YAML is read, and nowhere else."""

from __future__ import annotations

import re

import pytest

from echolab.resources import ROOT

PACKAGES = ("echolab", "echo_app", "scenarios")

UNTYPED = re.compile(r"\b(?:dict|Mapping|MutableMapping)\[str, Any\]")

ALLOWED = {
    "echo_app/maelstrom.py": "messages of nodes, clients and services",
    "echo_app/node.py": "messages of nodes and clients",
    "echo_app/workload.py": "what it is asked, and facts of operations",
    "echolab/scenario/workload.py": "what the clients' programs print",
    "echolab/record/format.py": "records, before their names have been checked",
    "echolab/tc.py": "what tc prints",
    "echolab/pytest_plugin.py": "what other people's markers and calls say",
    "echolab/compose": "a Compose file as a YAML reader gives it, until it is a model",
    "echolab/engines/docker/compose.py": "the override that Compose is given with a file",
    "echolab/engines/docker/images.py": "what the Docker Engine's API returns",
    "echolab/engines/docker/join.py": "the Compose file as plain values",
    "echolab/engines/docker/link_container.py": "what the link container's agent answers",
    "echolab/engines/docker/network.py": "what the Docker Engine's API returns",
    "echolab/engines/docker/owner.py": "what the Docker Engine's API returns",
    "echolab/engines/docker/placeholder.py": "what the Docker Engine's API returns and takes",
    "echolab/engines/docker/running.py": "what the Docker Engine's API returns",
    "echolab/engines/docker/watch.py": "what the Docker Engine's API returns",
    "echolab/engines/exact/docker_images.py": "what the Docker Engine's API returns",
    "echolab/roots": "what an image's archive says of itself, until it is checked",
}
"""Modules and rooms that may, and what it is that has no type there."""


def found() -> dict[str, int]:
    """How many annotations of each module are objects without a type."""
    counts = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            number = len(UNTYPED.findall(path.read_text(encoding="utf-8")))
            if number:
                counts[str(path.relative_to(ROOT))] = number
    return counts


def test_objects_without_a_type_are_left_to_those_who_read_what_others_wrote() -> None:
    strangers = {
        name: number
        for name, number in found().items()
        if not any(name == allowed or name.startswith(f"{allowed}/") for allowed in ALLOWED)
    }
    assert strangers == {}


@pytest.mark.parametrize("allowed", ALLOWED)
def test_whoever_is_allowed_to_makes_use_of_it(allowed: str) -> None:
    """Otherwise it leaves the list."""
    assert any(name == allowed or name.startswith(f"{allowed}/") for name in found())
