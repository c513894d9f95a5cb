"""A lab that stays in one guest: jobs as they come, a network that is asked, and every end."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab import resources
from echolab.engines import registry
from echolab.engines.exact import engine
from echolab.engines.persistent import PersistentLab
from echolab.engines.remote import RemoteNetwork
from echolab.errors import BadInput, CannotRun, ScriptError
from echolab.job import Job
from echolab.runs import catalogue
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact

SCRIPT = """
import os
from echolab import Lab, scenario

@scenario
def counts(lab: Lab, count: int = 5) -> None:
    probe = lab.probe("client", "server", count=count)
    lab.expect_all("arrived", probe.answered, count)

@scenario
def ends(lab: Lab) -> None:
    os._exit(3)

@scenario
def fails(lab: Lab) -> None:
    raise ValueError("so it is")
"""


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    found = dataclasses.replace(Settings.from_environment(os.environ), folder=tmp_path)
    lack = engine.lack(found)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    return found


@pytest.fixture
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    script = tmp_path_factory.mktemp("script") / "some.py"
    script.write_text(SCRIPT)
    return Job("counts", str(script), catalogue.topology(resources.COMPOSE), seed=1)


@pytest.fixture
def lab(here: Settings, job: Job) -> Iterator[PersistentLab]:
    with engine.persistent_lab(job, here, lambda line: None) as made:
        yield made


@pytest.fixture
def network(lab: PersistentLab, job: Job) -> Iterator[RemoteNetwork]:
    with lab.open(job, "network", registry.TRAITS["exact"]) as made:
        assert isinstance(made, RemoteNetwork)
        yield made


def test_jobs_come_one_after_the_other_each_on_a_network_of_its_own(
    lab: PersistentLab, job: Job, tmp_path: Path
) -> None:
    for count in (3, 4):
        asked = dataclasses.replace(job, parameters={"count": count})
        record = lab.perform(asked, str(count))
        assert record.probes[0].delivered == count
        assert record.guest_kernel is not None
        assert {one.file for one in record.captures} == {
            path.name for path in (tmp_path / str(count)).glob("*.pcap")
        }


def test_a_job_that_fails_leaves_the_lab_as_it_is(lab: PersistentLab, job: Job) -> None:
    with pytest.raises(CannotRun, match="with status 3"):
        lab.perform(dataclasses.replace(job, scenario="ends"), "0")
    with pytest.raises(ScriptError, match="so it is"):
        lab.perform(dataclasses.replace(job, scenario="fails"), "1")
    assert lab.perform(job, "2").probes[0].delivered == 5


def test_lab_time_stands_still_while_the_caller_thinks(network: RemoteNetwork) -> None:
    network.sleep(1)
    before = network.now()
    time.sleep(0.3)
    assert network.now() == before


def test_long_output_and_input_pass_whole(network: RemoteNetwork) -> None:
    given = bytes(range(256)) * 1000
    told = (
        "import sys; data = sys.stdin.buffer.read(); print(len(data), data[-1]); print('x' * 10**6)"
    )
    ended = network.start("client", ["python3", "-c", told], input=given).wait()
    assert ended.stdout == f"{len(given)} 255\n{'x' * 10**6}\n"


def test_a_program_is_sent_to_stopped_and_asked_again(network: RemoteNetwork) -> None:
    program = network.start("client", ["cat"], keep_input=True)
    program.send(b"one\n")
    network.sleep(0.1)
    ended = program.stop()
    assert (ended.stdout, ended.status) == ("one\n", -signal.SIGTERM)
    assert program.wait() == ended


def test_an_error_crosses_over(network: RemoteNetwork) -> None:
    with pytest.raises(BadInput, match="no program 'absent'"):
        network.start("client", ["absent"])
    with pytest.raises(BadInput, match="host"):
        network.tc("nobody", ["qdisc"])


def test_a_restart_lets_the_caller_act_before_the_service_starts(network: RemoteNetwork) -> None:
    seen = []
    network.restart("server", lambda: seen.append(network.tc("server", ["qdisc", "show"])))
    assert len(seen) == 1


def test_a_restart_in_which_the_caller_fails_ends_and_the_lab_goes_on(
    network: RemoteNetwork,
) -> None:
    def fail() -> None:
        raise ValueError("so it is")

    with pytest.raises(ValueError, match="so it is"):
        network.restart("server", fail)
    assert network.start("client", ["true"]).wait().status == 0


def test_networks_are_opened_one_after_the_other_in_one_guest(lab: PersistentLab, job: Job) -> None:
    traits = registry.TRAITS["exact"]
    draws = []
    for number, seed in enumerate((1, 1, 2)):
        with lab.open(dataclasses.replace(job, seed=seed), str(number), traits) as network:
            program = network.start("client", ["head", "-c", "8", "/dev/urandom"])
            draws.append(program.wait().stdout)
    assert draws[0] == draws[1] != draws[2]


def test_a_closed_network_says_so(lab: PersistentLab, job: Job) -> None:
    with lab.open(job, "0", registry.TRAITS["exact"]) as network:
        pass
    with pytest.raises(BadInput, match="the lab has ended"):
        network.now()


def test_a_guest_that_is_killed_is_told_in_one_line(lab: PersistentLab, job: Job) -> None:
    network = lab.open(job, "0", registry.TRAITS["exact"])
    os.kill(pid_of_guest(), signal.SIGKILL)
    with pytest.raises(CannotRun, match="ended by signal 9") as raised:
        network.now()
    assert "\n" not in raised.value.message
    assert lab.ended
    with pytest.raises(CannotRun, match="the lab has ended"):
        lab.perform(job, "1")
    network.close()


def test_a_program_that_only_computes_is_ended_by_the_limit(here: Settings, job: Job) -> None:
    short = dataclasses.replace(here, wall_limit=2.0)
    with engine.persistent_lab(job, short, lambda line: None) as lab:
        network = lab.open(job, "0", registry.TRAITS["exact"])
        with pytest.raises(CannotRun, match=r"no lab time passed .* within 2 s .*while True"):
            network.start("client", ["python3", "-c", "while True: pass"]).wait()


def pid_of_guest() -> int:
    """The kernel process that this process has started."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return next(pid for pid in pids if "lab_call=" in command_of(pid))


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")


CALLER = """
import dataclasses, os, sys
from pathlib import Path
from echolab import resources
from echolab.engines.exact import engine
from echolab.job import Job
from echolab.runs import catalogue
from echolab.settings import Settings

job = Job("", "", catalogue.topology(resources.COMPOSE))
here = dataclasses.replace(Settings.from_environment(os.environ), folder=Path(sys.argv[1]))
with engine.persistent_lab(job, here, lambda line: None) as lab:
    network = lab.open(job, "0", engine.TRAITS)
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    print(*[pid for file in children for pid in file.read_text().split()], flush=True)
    sys.stdin.read()
"""


def test_a_caller_that_is_killed_leaves_no_process(here: Settings) -> None:
    caller = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CALLER), str(here.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert caller.stdout and caller.stdin
    with caller.stdin, caller.stdout:
        guests = [int(pid) for pid in caller.stdout.readline().split()]
        assert guests
        caller.kill()
        caller.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/exe").exists() for pid in guests):
        assert time.monotonic() < deadline
        time.sleep(0.01)
