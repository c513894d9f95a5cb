"""A lab that stays up: its hosts can be looked into and its links shaped, by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab.engines.docker import running
from echolab.engines.docker.attach import Api
from echolab.settings import Settings

LAB = """
services:
  server: {image: echolab-host, command: [python3, -m, echo_app.server]}
  client: {image: echolab-host, x-echolab: idle}
"""


def lab(*words: str, cwd: Path, status: int = 0) -> str:
    """What a command says; the status must be as given, and no traceback shown."""
    done = subprocess.run(
        [sys.executable, "-m", "echolab", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def made(api: Api, file: Path) -> int:
    wanted = {"label": f"{running.FILE}={file.resolve()}"}
    return len(api.containers(all=True, filters=wanted)) + len(api.networks(filters=wanted))


@pytest.fixture(scope="module")
def file(here: Settings, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Compose file of a lab that is up."""
    path = tmp_path_factory.mktemp("running") / "two.yml"
    path.write_text(LAB, encoding="utf-8")
    try:
        said = lab("up", "--compose", str(path), cwd=path.parent)
        assert "shell" in said and "link" in said and "down" in said
        yield path
    finally:
        lab("down", "--compose", str(path), cwd=path.parent)
        assert made(api, path) == 0


def probe(file: Path) -> dict[str, float]:
    argv = ("python3", "-m", "echo_app.probe", "server", "--count", "5", "--interval", "0.05")
    said = lab("shell", "client", "--compose", str(file), "--", *argv, cwd=file.parent)
    found: dict[str, float] = json.loads(said.splitlines()[-1])["latency_ms"]
    return found


def test_up_twice_is_the_same_lab(api: Api, file: Path) -> None:
    before = made(api, file)
    lab("up", "--compose", str(file), cwd=file.parent)
    assert made(api, file) == before


def test_a_link_is_shaped_shown_and_cleared_by_one_command_each(file: Path) -> None:
    option = ("--compose", str(file))
    assert lab("link", *option, cwd=file.parent).count("not shaped") == 2
    said = lab("link", "client", "delay=50ms", "loss=0", *option, cwd=file.parent)
    assert "delay=50ms" in said
    assert probe(file)["min"] >= 50
    assert "delay=50ms" in lab("link", *option, cwd=file.parent)
    said = lab("link", "client", "delay=20ms", "toward=server", *option, cwd=file.parent)
    assert "delay=20ms toward=server" in said and "50ms" not in said
    assert 20 <= probe(file)["min"] < 50
    assert "not shaped" in lab("link", "client", "clear", *option, cwd=file.parent)
    assert probe(file)["min"] < 20


def test_a_command_on_a_host_gives_its_output_and_status(file: Path) -> None:
    option = ("--compose", str(file))
    words = ("sh", "-c", "echo here; exit 7")
    assert lab("shell", "client", *option, "--", *words, cwd=file.parent, status=7) == "here\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("shell", "nobody"), "the lab of two.yml has no host 'nobody'; it has client, server"),
        (("link", "nobody", "delay=1ms"), "has no host 'nobody'"),
        (("link", "client", "delay=1ms", "toward=nobody"), "has no host 'nobody'"),
        (("link", "client", "delay=fast"), "delay=fast is not a number"),
        (("link", "client", "speed=1"), "link: 'speed' is not known"),
        (("link", "client", "delay=1ms", "network=other"), "client is not on network other"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(words: tuple[str, ...], said: str, file: Path) -> None:
    told = lab(*words, "--compose", str(file), cwd=file.parent, status=2)
    assert said in told and told.count("\n") == 1


def test_of_two_labs_one_must_be_named(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yml"
    other.write_text(LAB, encoding="utf-8")
    lab("up", "--compose", str(other), cwd=tmp_path)
    try:
        for words in (("link",), ("shell", "client"), ("down",)):
            told = lab(*words, cwd=tmp_path, status=2)
            assert "labs are up" in told and "other.yml" in told and "two.yml" in told
    finally:
        lab("down", "--compose", str(other), cwd=tmp_path)


def test_a_lab_that_is_not_up_is_told(tmp_path: Path) -> None:
    told = lab("link", "--compose", str(tmp_path / "no.yml"), cwd=tmp_path, status=2)
    assert "no.yml is not up; bring it up first" in told


def test_a_lab_that_cannot_come_up_leaves_nothing(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(
        "services:\n  a: {image: echolab-host, command: [sh, -c, 'echo why; exit 3']}\n",
        encoding="utf-8",
    )
    told = lab("up", "--compose", str(path), cwd=tmp_path, status=4)
    assert "a ended at once with status 3: why" in told
    assert made(api, path) == 0
