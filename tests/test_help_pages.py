"""What `--help` shows is whole, and in the language in use."""

from __future__ import annotations

import os
import subprocess
import sys

from echolab import help_pages, resources
from echolab.cli import app

COMMANDS = [name for name, command in app.commands.items() if not command.hidden]


def shown(*words: str, columns: int = 80) -> str:
    """What a command line prints on a terminal of that width."""
    environment = {**os.environ, "COLUMNS": str(columns), "LANG": "C.UTF-8", "NO_COLOR": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "echolab", *words],
        cwd=resources.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return " ".join(ended.stdout.split())


def test_each_command_is_listed_with_its_whole_first_sentence() -> None:
    page = shown("--help")
    for name in COMMANDS:
        assert f"{name} {help_pages.summary(app.commands[name])}" in page


def test_the_list_of_commands_is_german_too() -> None:
    page = shown("--lang", "de", "--help")
    assert page.startswith("Aufruf: ./lab [OPTIONS] COMMAND [ARGS]...")
    assert "doctor Sagen, was dieser Rechner kann und wie man bekommt, was fehlt." in page
    assert "Usage" not in page
    assert "Options:" not in page


def test_help_of_a_command_is_german_with_the_parameters_of_its_scenario() -> None:
    page = shown("run", "loss", "--help", "--lang", "de")
    assert "--engine NAME auto, docker, exact" in page
    assert "[Vorgabe: auto]" in page
    assert "Parameter von loss (--set): loss=10" in page


def test_a_document_of_findings_stays_english() -> None:
    assert '"area": "Guest kernel"' in shown("doctor", "--json", "--lang", "de")
