"""What a run has done with is removed in the background, and wholly before the command ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from echolab import resources
from echolab.engines.docker import owner, removal
from echolab.engines.docker.attach import Api
from echolab.errors import CannotRun
from echolab.kernel import build
from echolab.settings import Settings


def test_what_was_begun_is_waited_for() -> None:
    done: list[str] = []
    go = threading.Event()

    def close() -> None:
        go.wait(10)
        time.sleep(0.05)
        done.append("closed")

    removal.begin(close, lambda line: None)
    assert done == []
    go.set()
    removal.wait()
    assert done == ["closed"]


def test_what_could_not_be_removed_is_told() -> None:
    told: list[str] = []

    def close() -> None:
        raise CannotRun("cleaning up: no answer", "docker info")

    removal.begin(close, told.append)
    removal.wait()
    assert len(told) == 1
    assert "cleaning up: no answer" in told[0]


RUN = """
import os
from echolab.runs import catalogue
from echolab.settings import Settings
from echolab.engines.docker import engine
from echolab.scenario.performance import perform
(entry,) = catalogue.find(["echo"])
hosts = catalogue.topology(catalogue.compose_file(entry, None))
job = catalogue.job(entry, hosts, {}, 1, capture=False)
engine.run(job, Settings.from_environment(os.environ), lambda line: None, perform)
"""


def test_nothing_is_left_when_the_process_has_ended(
    here: Settings, api: Api, tmp_path: Path
) -> None:
    """The hosts go although the process does nothing more but end."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    kernel = build.find(here.cache, here.kernel)
    if kernel is not None:
        environment["ECHOLAB_KERNEL"] = str(kernel.path)
    ended = subprocess.run(
        [sys.executable, "-c", RUN],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=resources.ROOT,
        env=environment,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    wanted = {"label": owner.LOCK}
    left = [*api.containers(all=True, filters=wanted), *api.networks(filters=wanted)]
    ours = [entry for entry in left if entry["Labels"][owner.LOCK].startswith(str(tmp_path))]
    assert ours == []
    assert list((tmp_path / "echolab" / "runs").glob("*.lock")) == []
