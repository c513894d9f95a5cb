"""A service that ends before anybody used it is said in one line, with its last words."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.errors import CannotRun
from echolab.job import Job
from echolab.settings import Settings
from echolab.topology import Host, Topology
from tests.needs import lacking

SCRIPT = """
from echolab import Lab, scenario

@scenario(baseline=False, measured=False)
def nothing(lab: Lab) -> None:
    lab.expect("the hosts are up", True)
"""


@pytest.mark.exact
@pytest.mark.parametrize("status", [0, 3])
def test_a_service_that_fails_at_once_ends_the_run(status: int, tmp_path: Path) -> None:
    here = dataclasses.replace(Settings.from_environment(os.environ), folder=tmp_path)
    lack = engine.lack(here)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    script = tmp_path / "nothing.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = ("sh", "-c", f"echo cannot bind >&2; exit {status}")
    hosts = Topology((Host("server", command), Host("client", idle=True)), file="lab.yaml")
    job = Job("nothing", str(script), hosts, seed=1, capture=False)
    (found,) = engine.run_all([job], here, lambda line: None)
    if status:
        assert isinstance(found, CannotRun)
        assert found.message == "server ended at once with status 3: cannot bind"
        assert "lab.yaml" in found.remedy
    else:  # it may be there to set something up
        assert not isinstance(found, Exception)
