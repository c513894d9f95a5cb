"""docs/distributed.md: each of its commands does what the text says, and each name is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import zoo
from echolab import resources
from echolab.engines.namespaces.network import find_tool
from echolab.history import models, words
from tests.needs import lacking

PAGE = (resources.ROOT / "docs" / "distributed.md").read_text(encoding="utf-8")

COMMANDS = re.findall(r"^    \./lab ((?:run|explore|maelstrom) .*)$", PAGE, re.MULTILINE)

ENDS: Mapping[str, int] = {
    "run counter --engine exact --seed 1": 0,
    "explore counter --set mistake=reads-then-writes --runs 50": 1,
    "run counter --engine exact --seed 1 --set mistake=forgets --fault 'kill a at 0.3 for 0.2'": 1,
    "explore counter --set mistake=forgets --runs 100": 1,
    "explore counter --set mistake=applies-twice --runs 100": 1,
    "explore counter --runs 50": 0,
    "explore gossip --set mistake=counts-twice --runs 50": 1,
    "explore quorum --set mistake=reads-alone --runs 100": 1,
    "run quorum --engine exact --seed 1": 0,
    "explore examples/redis.py --runs 40": 1,
    "run examples/etcd.py --engine exact --seed 3 --fault 'partition a at 0.5 for 2'": 0,
    "run examples/etcd.py --engine exact --seed 3 --fault 'partition a at 0.5 for 2' "
    "--set serializable=true": 1,
    "run examples/mosquitto.py --engine exact --seed 1 "
    "--fault 'partition subscriber at 2 for 12' --set qos=0": 1,
    "run examples/mosquitto.py --engine exact --seed 1 "
    "--fault 'partition subscriber at 2 for 12' --set qos=1": 1,
    "run examples/mosquitto.py --engine exact --seed 1 "
    "--fault 'partition subscriber at 2 for 12' --set qos=2": 0,
    "explore examples/mosquitto.py --set qos=1 --runs 40": 1,
    "maelstrom echo examples/maelstrom/echo.py --nodes 1": 0,
    "maelstrom unique-ids examples/maelstrom/unique_ids.py --nodes 3 --rate 200 --partition": 0,
    "maelstrom unique-ids examples/maelstrom/unique_ids_by_clock.py --nodes 3 --rate 200": 1,
    "maelstrom broadcast examples/maelstrom/broadcast.py --latency 100ms --partition": 0,
    "maelstrom lin-kv examples/maelstrom/lin_kv.py --rate 20 --latency 10ms": 0,
    "maelstrom broadcast examples/maelstrom/broadcast_once.py --nodes 3 --explore 50": 1,
}
"""The exit status of each command of the page."""


PACKAGES = {"redis-server": "redis-server", "etcd": "etcd-server", "mosquitto": "mosquitto"}


def test_the_page_has_these_commands() -> None:
    assert list(ENDS) == COMMANDS


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize("command", ENDS)
def test_a_command_of_the_page_ends_as_it_says(command: str, tmp_path: Path) -> None:
    for program, package in PACKAGES.items():
        if program.partition("-")[0] in command and find_tool(program) is None:
            lacking(f"{program} is not installed; apt-get install {package}")
    done = subprocess.run(
        [sys.executable, "-m", "echolab", *shlex.split(command), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=900,
        cwd=resources.ROOT,
        check=False,
    )
    assert done.returncode == ENDS[command], done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if "explore" in command and done.returncode:
        (again,) = re.findall(r"  again: \./lab (.*)", done.stdout)
        repeated = subprocess.run(
            [sys.executable, "-m", "echolab", *shlex.split(again), "--out", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=resources.ROOT,
            check=False,
        )
        assert repeated.returncode == 1, again


def test_the_page_names_every_mistake_of_the_zoo() -> None:
    for system, mistake in zoo.systems(()):
        assert mistake == zoo.RIGHT or mistake in PAGE, f"{system}: {mistake}"


def test_the_page_names_every_word_and_every_model() -> None:
    for name in (*words.WORDS, *models.MODELS):
        assert f"`{name}`" in PAGE
