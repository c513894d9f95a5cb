"""The guide says nothing that does not work: its example, and every command in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab import resources
from echolab.classroom import exercise
from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CheckResult, Verdict

CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as my_socket:
    my_socket.sendall(b"hello\\n")
    print(my_socket.makefile().readline(), end="")
"""


GUIDE = (resources.ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")


def example() -> str:
    """The guide's example of an exercise."""
    found = re.search(
        r"^    from echolab\.classroom import.*?(?=\n\n    \./lab)", GUIDE, re.M | re.S
    )
    assert found is not None
    return textwrap.dedent(found[0])


def parts(guide: str) -> list[list[str]]:
    """Of each section what it has in any language: the marks of its lines, and names in code."""
    return [
        [
            *re.findall(r"^(?:\||- |    |\*\*)", section, re.MULTILINE),
            *sorted(re.findall(r"`([a-z_.*/-]+)`", section)),
        ]
        for section in re.split(r"^## ", guide, flags=re.MULTILINE)
    ]


def test_the_german_guide_has_the_same_parts() -> None:
    german = (resources.ROOT / "docs" / "teaching.de.md").read_text(encoding="utf-8")
    assert parts(german) == parts(GUIDE)


@pytest.mark.exact
def test_the_example_is_performed(
    tmp_path: Path, submit: Callable[[CheckRequest], Future[CheckResult]]
) -> None:
    (tmp_path / "check.py").write_text(example())
    (tmp_path / "client.py").write_text(CLIENT)
    found = exercise.find(str(tmp_path))
    result = submit(CheckRequest(found, tmp_path / "client.py", "client")).result()
    assert [case.verdict for case in result.cases] == [Verdict.PASSED]


NAMES = {
    "EXERCISE": "1",
    "FOLDER": "my-folder",
    "MY-FOLDER": "my-folder",
    "SUBMISSION": "my-folder",
    "SEED": "7",
    "DIR": "written",
}
"""What the guide's names for other things are here."""

COMMAND = re.compile(r"^    (\./lab [^#\n]*)|`(\./lab [^`]*)`", re.MULTILINE)


def commands() -> list[list[str]]:
    """The words of each command in the guide, in its order."""
    found = [" ".join((block or inline).split()) for block, inline in COMMAND.findall(GUIDE)]
    return [[NAMES.get(word, word) for word in line.split()[1:]] for line in found]


@pytest.mark.exact
def test_every_command_in_the_guide_works(guest: None, tmp_path: Path) -> None:
    solution = resources.ROOT / "tests/exercises/01-stream-client/reference-py"
    for name in ("submissions/ada", "submissions/grace", "my-folder"):
        shutil.copytree(solution, tmp_path / name)
    own = tmp_path / "path/to/my-exercise"
    own.mkdir(parents=True)
    (own / "check.py").write_text(example())
    (tmp_path / "exercises").symlink_to(resources.EXERCISES)
    assert len(commands()) > 15
    for words in commands():
        if words[0] == "run":
            words += ["--engine", "exact", "--no-report"]
        done = subprocess.run(
            [sys.executable, "-m", "echolab", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(resources.ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in (0, 1), (words, done.stdout, done.stderr)
        assert done.stdout and "Traceback" not in done.stderr
