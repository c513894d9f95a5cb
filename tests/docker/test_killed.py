"""A run that was ended at any moment leaves nothing behind, and its links are clean."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab import resources
from echolab.engines.docker import owner
from echolab.engines.docker.attach import Api
from echolab.engines.docker.engine import open_network
from echolab.job import Job
from echolab.settings import Settings
from tests.docker.conftest import left

pytestmark = pytest.mark.alone  # a run beside it would remove what a killed one left

VICTIM = Path(__file__).with_name("victim.py")

CLEAN_LIMIT = 5.0
"""Seconds after the death of a run in which its links must be clean."""

UNDER_WAY = 10.0
"""Seconds that the daemon may take to finish a request whose sender is dead."""


@contextlib.contextmanager
def victim(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    words = [str(settings.cache), str(settings.folder)]
    words += [str(settings.kernel)] if settings.kernel else []
    with subprocess.Popen(
        [sys.executable, str(VICTIM), *words],
        env={**os.environ, "PYTHONPATH": str(resources.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def time_to_shape(settings: Settings) -> float:
    """Seconds that a run takes, here and now, until both its links are shaped."""
    started = time.monotonic()
    with victim(settings) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "shaped\n"
    return time.monotonic() - started


def hosts_of(api: Api, settings: Settings) -> list[str]:
    """The containers of these settings that are hosts and still run."""
    folder = str((settings.cache / "runs").resolve())
    return [
        entry["Id"]
        for entry in api.containers(filters={"label": f"{owner.LABEL}=host"})
        if entry["Labels"].get(owner.LOCK, "").startswith(folder)
    ]


def traces(api: Api, host: str, image: str) -> str:
    """What of a link is still to be seen in a host's network: a queue, a hook, a TAP."""
    script = "tc qdisc show dev eth0; ip -brief link show"
    config = api.create_host_config(network_mode=f"container:{host}", cap_drop=["ALL"])
    made = api.create_container(image, ["sh", "-c", script], host_config=config)["Id"]
    try:
        api.start(made)
        api.wait(made)
        shown = api.logs(made).decode()
    finally:
        api.remove_container(made, force=True)
    marks = ("netem", "clsact", "link0", "before0")
    return "".join(line for line in shown.splitlines(True) if any(mark in line for mark in marks))


def await_clean(api: Api, settings: Settings, image: str) -> str:
    """What is still shaped when the limit has passed; empty as soon as nothing is."""
    deadline = time.monotonic() + CLEAN_LIMIT
    while True:
        found = "".join(traces(api, host, image) for host in hosts_of(api, settings))
        if not found or time.monotonic() > deadline:
            return found


def reap_all(api: Api, settings: Settings) -> list[str]:
    """What the next starts cannot remove; a start may come while the daemon still makes it."""
    deadline = time.monotonic() + UNDER_WAY
    while True:
        owner.reap(api, settings.cache / "runs")
        found = left(api, settings)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_at_20_moments_the_link_is_clean_and_the_next_starts_remove_all(
    api: Api, apart: Settings, link_image: str
) -> None:
    """Every fifth is killed after its links were shaped, the others while it comes up, mostly."""
    moments = random.Random(7)
    usual = time_to_shape(apart)
    for number in range(20):
        with victim(apart) as process:
            if number % 5 == 4:
                assert process.stdout is not None
                assert process.stdout.readline() == "shaped\n"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0.0, 0.5 if number % 5 == 4 else usual))
            process.kill()
            _, complaint = process.communicate()
            assert process.returncode == -signal.SIGKILL, complaint
        assert await_clean(api, apart, link_image) == ""
        assert reap_all(api, apart) == []
        assert list((apart.cache / "runs").glob("*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_removes_everything_itself(
    api: Api, apart: Settings, number: signal.Signals
) -> None:
    with victim(apart) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "shaped\n"
        process.send_signal(number)
        process.wait(20)
    assert left(api, apart) == []


def test_the_next_start_leaves_a_living_run_alone(api: Api, apart: Settings, job: Job) -> None:
    with open_network(job, apart, lambda line: None) as first:
        with open_network(job, apart, lambda line: None) as second:
            assert set(first.containers.values()).isdisjoint(second.containers.values())
            assert len(left(api, apart)) >= 6
        argv = ["python3", "-m", "echo_app.stream_client"]
        assert first.start("client", argv).wait(20).status == 0
    assert left(api, apart) == []


def test_what_is_not_ours_stays(api: Api, apart: Settings, link_image: str) -> None:
    other = api.create_container(link_image, ["true"], labels={"somebody": "else"})["Id"]
    try:
        owner.reap(api, apart.cache / "runs")
        assert api.inspect_container(other)["Id"] == other
    finally:
        api.remove_container(other, force=True)
