"""What tests of watched runs need: a short run, and a machine that can perform it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.runs import catalogue, plan
from echolab.runs.plan import PlannedRun
from echolab.settings import Settings
from tests.needs import lacking
from tests.report.conftest import chromium, screen

__all__ = ["chromium", "screen"]

SCRIPT = '''\
from echolab import Lab, Link, scenario


@scenario(sentence="A few datagrams cross.")
def few(lab: Lab) -> None:
    """Ten datagrams there and back."""
    lab.shape("client", Link(delay=0.05))
    probe = lab.probe("client", "server", count=10, interval=0.1)
    lab.expect("some arrived", probe.delivered > 0)
'''


@pytest.fixture(scope="session")
def settings() -> Settings:
    found = Settings.from_environment(os.environ)
    lack = engine.lack(found)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    return found


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> PlannedRun:
    """A run of ten datagrams, a tenth of a second apart, each 50 ms under way."""
    script = tmp_path_factory.mktemp("few") / "few.py"
    script.write_text(SCRIPT, encoding="utf-8")
    entries = catalogue.find([str(script)])
    runs = plan.plan(entries, {}, compose=None, seed=3, capture=True, environment={})
    return plan.for_engine(runs, "exact")[0]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"
