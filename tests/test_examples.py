"""The examples are tests, run as their readers run them: each finds its mistake."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from echolab.engines.exact import engine
from echolab.resources import ROOT
from echolab.settings import Settings
from tests.needs import lacking

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())

ELSEWHERE = ("maelstrom",)
"""Those that tests/maelstrom runs."""


@pytest.mark.parametrize(
    "name", [one for one in EXAMPLES if not one.startswith("_") and one not in ELSEWHERE]
)
def test_an_example_passes_mended_and_finds_its_mistake(name: str) -> None:
    lack = engine.lack(Settings.from_environment(os.environ))
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    plugins = ("-p", "no:echolab", "-p", "echolab.pytest_plugin", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--lab-require", f"examples/{name}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


def test_every_example_is_told() -> None:
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert [name for name in EXAMPLES if not name.startswith("_") and f"`{name}`" not in page] == []
