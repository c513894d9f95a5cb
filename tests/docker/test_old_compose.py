"""What docker-compose 1 refuses in a Compose file is not in the copy that it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from echolab.engines.docker import compose


def document(tmp_path: Path, text: str) -> dict[str, Any]:
    file = tmp_path / "compose.yaml"
    file.write_text(text, encoding="utf-8")
    return compose.read(file)


@pytest.mark.parametrize(
    ("written", "value"), [("on", "on"), ("Yes", "Yes"), ("true", "true"), ("false", "false")]
)
def test_a_switch_in_the_environment_is_a_text(written: str, value: str, tmp_path: Path) -> None:
    """YAML 1.1, which it reads, takes the word for a truth value; it wants a text."""
    found = document(tmp_path, f"services: {{a: {{environment: {{SWITCH: {written}}}}}}}")
    assert compose.without_novelties(found)
    assert found["services"]["a"]["environment"] == {"SWITCH": value}


@pytest.mark.parametrize("place", ["labels: {X: on}", "build: {context: ., args: {X: on}}"])
def test_so_is_one_in_labels_and_in_arguments_of_a_build(place: str, tmp_path: Path) -> None:
    assert compose.without_novelties(document(tmp_path, f"services: {{a: {{{place}}}}}"))


def test_keys_that_are_newer_are_gone(tmp_path: Path) -> None:
    found = document(
        tmp_path,
        """
        services:
          a:
            healthcheck: {test: [CMD, "true"], start_interval: 1s}
            depends_on: {b: {condition: service_healthy, required: false}}
          b: {}
        """,
    )
    assert compose.without_novelties(found)
    assert found["services"]["a"] == {
        "healthcheck": {"test": ["CMD", "true"]},
        "depends_on": {"b": {"condition": "service_healthy"}},
    }


def test_a_file_that_it_takes_is_left_alone(tmp_path: Path) -> None:
    text = "services: {a: {environment: {NAME: one, COUNT: 1}}, b: {environment: [SWITCH=on]}}"
    found = document(tmp_path, text)
    assert not compose.without_novelties(found)
    assert found == document(tmp_path, text)
