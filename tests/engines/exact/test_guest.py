"""What hosts in the guest kernel are like, as programs on them and captures tell."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dpkt
import pytest

from echolab.engines.exact import engine
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.job import Job
from echolab.record import Latency, Probe, ProgramRun, Record
from echolab.settings import Settings
from echolab.topology import Host, Network, Topology
from tests.needs import lacking

pytestmark = pytest.mark.exact

FACTS = Path(__file__).with_name("facts.py")

SERVER = Host("server", ("python3", "-m", "echo_app.server"))
PAIR = Topology((SERVER, Host("client", idle=True)))

ODD = Topology(
    (
        SERVER,
        Host("client", idle=True, user="4242:4243", workdir="/usr", environment={"COLOUR": "red"}),
    )
)

NAMES = (
    "time",
    "sight",
    "attributes",
    "forks",
    "unlocked",
    "crowded",
    "memory",
    "disk",
    "flood",
    "sleeper",
    "killers",
    "left-behind",
    "stopping",
    "streams",
    "missing",
    "traced",
    "crash",
)

MIB = 1 << 20


def job(name: str, topology: Topology = PAIR, **more: Any) -> Job:
    return Job(name, str(FACTS), topology, seed=1, **{"capture": False, **more})


def perform(jobs: Sequence[Job], folder: Path) -> list[Record | EcholabError]:
    here = dataclasses.replace(
        Settings.from_environment(os.environ), folder=folder, wall_limit=60.0
    )
    lack = engine.lack(here)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    return engine.run_all(jobs, here, lambda line: None)


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Record | EcholabError]:
    """What each scenario of facts.py came to, all performed in one guest."""
    jobs = [*(job(name) for name in NAMES), job("sight", ODD)]
    found = perform(jobs, tmp_path_factory.mktemp("guest"))
    assert len(found) == len(jobs)
    return dict(zip((*NAMES, "odd"), found, strict=True))


Programs = Callable[[str], Sequence[ProgramRun]]


@pytest.fixture
def programs(results: Mapping[str, Record | EcholabError]) -> Programs:
    """The programs that a scenario ran, in the order of their ends."""

    def ended(name: str) -> Sequence[ProgramRun]:
        record = results[name]
        assert isinstance(record, Record), record
        return record.programs

    return ended


def milliseconds(probe: Probe) -> Latency:
    """A probe's latency in milliseconds."""
    assert probe.latency is not None
    return Latency(**probe.latency.milliseconds())


# --- time


def test_fifty_milliseconds_are_fifty_from_the_first_exchange_on(
    results: Mapping[str, Record],
) -> None:
    udp, tcp, connect = results["time"].probes
    for probe, theory in ((udp, 50.0), (tcp, 50.0), (connect, 100.0)):
        assert theory <= milliseconds(probe).min
        assert milliseconds(probe).max < theory + 0.02
        assert probe.delivered == 50


def test_a_program_that_sleeps_a_year_is_ended_after_its_time(programs: Programs) -> None:
    (sleeper,) = programs("sleeper")
    assert sleeper.status is None
    assert sleeper.ended - sleeper.started == pytest.approx(20, abs=1e-3)


# --- what a program sees and may do


@pytest.fixture
def sight(programs: Programs) -> dict[str, Any]:
    """What a program on the client saw."""
    (seen,) = (run for run in programs("sight") if run.host == "client")
    found: dict[str, Any] = json.loads(seen.stdout)
    return found


def test_programs_run_as_the_ordinary_user_without_any_right(sight: Mapping[str, Any]) -> None:
    assert (sight["uid"], sight["gid"], sight["groups"]) == (10007, 10007, [])
    assert int(sight["CapPrm"], 16) == int(sight["CapBnd"], 16) == 0
    assert sight["NoNewPrivs"] == "1"
    assert sight["raw"] == "PermissionError"


def test_a_program_has_the_same_attributes_whether_its_engine_was_forked_or_not(
    programs: Programs,
) -> None:
    spawned, forked, again = (json.loads(run.stdout) for run in programs("attributes")[:3])
    for fact in spawned:
        assert spawned[fact] == forked[fact] == again[fact]
    assert spawned["oom"] == "1000"
    assert spawned["group"] == "client"
    assert spawned["open"] == [0, 1, 2]
    assert spawned["leader"]


def test_the_engine_keeps_its_own_rights_and_limits(results: Mapping[str, Record]) -> None:
    (claim,) = results["attributes"].claims
    assert claim.holds and "(0, 0, 0)" in str(claim.seen)


def test_a_program_that_is_looked_for_has_the_same_number_wherever_it_is(
    programs: Programs,
) -> None:
    assert [run.stdout for run in programs("attributes")[3:5]] == ["2\n", "2\n"]


def test_programs_write_to_memory_of_their_own_and_nowhere_else(sight: Mapping[str, Any]) -> None:
    assert sight["tmp"] == sight["shm"] == sight["null"] == "done"
    assert {sight["etc"], sight["usr"], sight["here"]} <= {"OSError", "PermissionError"}


def test_a_host_shows_programs_and_nothing_else_of_the_machine(sight: Mapping[str, Any]) -> None:
    own = {"bin", "dev", "etc", "lab", "lib", "lib32", "lib64", "libx32", "mnt", "opt"}
    own |= {"proc", "run", "sbin", "sys", "tmp", "usr"}
    prefix = engine.interpreter().parts[1]
    assert set(sight["root"]) <= own | {prefix}


def test_names_resolve_and_port_7_may_be_taken(sight: Mapping[str, Any]) -> None:
    assert sight["server"] == "10.7.0.1"
    assert sight["name"] == sight["hostname"] == "client"
    assert sight["echo"] == [7, 7]
    assert sight["port 7"] == "done"


def test_the_network_is_the_labs_alone(sight: Mapping[str, Any]) -> None:
    assert sight["devices"] == ["eth0", "lo"]
    assert sight["elsewhere"] == "OSError"


def test_a_program_sees_its_own_processes_only(sight: Mapping[str, Any]) -> None:
    assert sight["processes"] == [1, 2]


def test_user_folder_and_environment_are_the_compose_files(programs: Programs) -> None:
    (seen,) = (run for run in programs("odd") if run.host == "client")
    found = json.loads(seen.stdout)
    assert (found["uid"], found["gid"], found["folder"]) == (4242, 4243, "/usr")
    assert found["environment"]["COLOUR"] == "red"
    assert found["environment"]["LANG"] == "C.UTF-8"


def test_a_program_in_a_forked_interpreter_has_no_locked_memory(programs: Programs) -> None:
    (run,) = (run for run in programs("unlocked") if run.host == "client")
    assert run.stdout == "0\n"


# --- hostile programs


def test_a_program_that_forks_without_end_is_ended_whole(
    programs: Programs, results: Mapping[str, Record]
) -> None:
    bomb, after = programs("forks")
    assert bomb.status is None
    assert after.stdout == "alive\n"
    assert results["forks"].probes[0].delivered == 5


def test_a_host_full_of_processes_takes_none_from_another(programs: Programs) -> None:
    crowded, free = (run for run in programs("crowded") if run.argv[0] == "sh")
    assert crowded.status != 0 and "fork" in crowded.stderr
    assert (free.status, free.stdout) == (0, "forked\n")


def test_a_program_that_fills_the_memory_dies_alone(
    programs: Programs, results: Mapping[str, Record]
) -> None:
    hog, after = programs("memory")
    assert hog.status not in (0, None)
    assert after.stdout == "alive\n"
    assert results["memory"].probes[0].delivered == 5


def test_a_program_that_fills_its_disk_harms_no_other_host(programs: Programs) -> None:
    filler, other = programs("disk")
    assert filler.stdout in ("27\n", "28\n")  # EFBIG or ENOSPC
    assert other.stdout == "fits\n"


def test_a_flood_of_output_is_cut_and_named(programs: Programs) -> None:
    out, err, much = programs("flood")
    for flooder, stream in ((out, "stdout"), (err, "stderr")):
        assert flooder.status == -9
        assert getattr(flooder, stream).startswith("y\ny\n")
    assert "wrote more than" in out.stderr
    assert much.status == 0


def test_killing_its_parent_and_everybody_harms_only_the_program(programs: Programs) -> None:
    killer, crashed, after = programs("killers")
    assert killer.status is not None and (killer.status == -9 or killer.status >= 0)
    assert crashed.status == -11
    assert after.stdout == "alive\n"


def test_what_a_program_leaves_behind_ends_with_it(programs: Programs) -> None:
    leaver, after = programs("left-behind")
    assert leaver.status == 0
    assert after.stdout == "free\n", after.stderr


# --- starting, feeding, stopping


def test_stopping_asks_first_and_kills_a_second_later(programs: Programs) -> None:
    polite, stubborn, plain, module = programs("stopping")
    assert (polite.status, stubborn.status, plain.status) == (3, -9, -15)
    assert polite.ended - polite.started == pytest.approx(1, abs=0.01)
    assert stubborn.ended - stubborn.started == pytest.approx(2, abs=0.01)
    assert stubborn.stdout == "here\n"
    assert module.status in (-15, 0)


def test_standard_input_arrives_whole_and_ends(programs: Programs) -> None:
    whole, long, empty, kept = programs("streams")
    assert whole.stdout == "first\n" * 10_000
    assert long.stdout == "600000\n"
    assert (empty.status, empty.stdout) == (0, "")
    assert kept.stdout == "one\ntwo\n"
    assert kept.ended - kept.started == pytest.approx(1, abs=0.01)


def test_a_missing_program_is_bad_input_that_names_it(
    results: Mapping[str, Record | EcholabError],
) -> None:
    error = results["missing"]
    assert isinstance(error, BadInput)
    assert "no-such-program" in str(error) and "client" in str(error)


def test_a_trace_shows_the_calls_with_their_times(programs: Programs) -> None:
    (client,) = programs("traced")
    assert client.status == 0, client.stderr
    assert "connect(" in client.calls and "recvfrom(" in client.calls
    assert client.calls.splitlines()[0].split()[1].startswith("17000")


def test_a_scenario_that_crashes_is_told_and_the_next_job_runs(
    results: Mapping[str, Record | EcholabError],
) -> None:
    error = results["crash"]
    assert isinstance(error, CannotRun)
    assert "signal 11" in str(error)
    assert isinstance(results["odd"], Record)


# --- captures


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the captures of the scenarios `time` (0) and `black-hole` (1)."""
    folder = tmp_path_factory.mktemp("captured")
    jobs = [job("time", capture=True), job("black-hole", capture=True)]
    assert all(isinstance(result, Record) for result in perform(jobs, folder))
    return folder


def frames(path: Path) -> Iterator[tuple[float, dpkt.ethernet.Ethernet]]:
    with path.open("rb") as file:
        for at, data in dpkt.pcap.Reader(file):
            yield at, dpkt.ethernet.Ethernet(data)


def test_the_capture_before_the_link_has_what_the_link_swallows(captured: Path) -> None:
    before = list(frames(captured / "1" / "client.before-link.pcap"))
    after = list(frames(captured / "1" / "client.after-link.pcap"))
    arrived = list(frames(captured / "1" / "server.after-link.pcap"))
    assert len(before) == 20
    assert after == arrived == []


def test_the_link_stands_between_the_two_captures(captured: Path) -> None:
    before = [
        (at, bytes(frame)) for at, frame in frames(captured / "0" / "client.before-link.pcap")
    ]
    sent = {bytes(frame) for _, frame in before}
    after = {
        bytes(frame): at
        for at, frame in frames(captured / "0" / "client.after-link.pcap")
        if bytes(frame) in sent
    }
    assert len(after) == len(sent) == len(before)
    assert all(0.05 <= after[frame] - at < 0.0501 for at, frame in before)


def test_captured_packets_carry_right_checksums(captured: Path) -> None:
    for where in ("before-link", "after-link"):
        for _, frame in frames(captured / "0" / f"client.{where}.pcap"):
            packet = frame.data
            assert isinstance(packet, dpkt.ip.IP)
            original = bytes(packet)
            packet.data.sum = 0
            packet.sum = 0
            assert bytes(packet) == original  # dpkt fills in what is zero


def test_captures_have_nanoseconds_and_the_names_of_the_contract(captured: Path) -> None:
    names = sorted(path.name for path in (captured / "0").glob("*.pcap"))
    assert names == [
        f"{host}.{where}.pcap"
        for host in ("client", "server")
        for where in ("after-link", "before-link")
    ]
    head = (captured / "0" / names[0]).read_bytes()[:24]
    assert head[:4] == bytes.fromhex("4d3cb2a1") and head[20:24] == bytes([1, 0, 0, 0])


# --- other topologies, other languages


def test_both_address_families_where_the_topology_asks_for_them(tmp_path: Path) -> None:
    both = Topology(PAIR.hosts, (Network("default", ipv6=True),))
    jobs = [job("sight", both, capture=True), job("sight", capture=True)]
    six, four = perform(jobs, tmp_path)
    assert isinstance(six, Record) and isinstance(four, Record)
    assert [host.ip6 for host in six.hosts] == ["fd07::1", "fd07::2"]
    assert [host.ip6 for host in four.hosts] == [None, None]
    quiet = list(frames(tmp_path / "1" / "client.after-link.pcap"))
    assert not [frame for _, frame in quiet if frame.type == dpkt.ethernet.ETH_TYPE_IP6]


def test_a_lab_of_sixty_hosts_reaches_everybody(tmp_path: Path) -> None:
    hosts = tuple(Host(f"client-{number}", idle=True) for number in range(60))
    (record,) = perform([job("many", Topology((*hosts, SERVER)))], tmp_path)
    assert isinstance(record, Record)
    *all_clients, between = record.probes
    assert all(probe.delivered == 3 for probe in all_clients)
    for probe in all_clients:
        assert 10 <= milliseconds(probe).min <= milliseconds(probe).median < 10.1
    # At some starting moments one message of the 180 is 1.025 ms late; why is not known.
    assert max(milliseconds(probe).max for probe in all_clients) < 12
    assert between.lost == 3 and not between.delivered  # no service there, but a host
    assert len({host.mac for host in record.hosts}) == 61


def test_four_hundred_hosts_each_run_a_program_at_once(tmp_path: Path) -> None:
    """Among them they hold several thousand descriptors, more than select(2) can name."""
    hosts = Topology(tuple(Host(f"host-{number}", idle=True) for number in range(400)))
    (record,) = perform([job("crowd", hosts, capture=True)], tmp_path)
    assert isinstance(record, Record), record
    (claim,) = record.claims
    assert claim.holds, claim.seen
    assert len(record.captures) == 800


C = r"""
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char reply[16] = "";
    if (getaddrinfo("server", "echo", &hints, &found)) return 1;
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, found->ai_addr, found->ai_addrlen)) return 2;
    if (write(connection, "hello\n", 6) != 6 || read(connection, reply, 15) != 6) return 3;
    fputs(reply, stdout);
    return 0;
}
"""

JAVA = """
import java.net.Socket;
public class Client {
    public static void main(String[] words) throws Exception {
        try (Socket socket = new Socket("server", 7)) {
            socket.getOutputStream().write("hello\\n".getBytes());
            byte[] reply = new byte[6];
            System.out.write(reply, 0, socket.getInputStream().read(reply));
            System.out.flush();
        }
    }
}
"""

NODE = """
const socket = require("net").connect(7, "server", () => socket.write("hello\\n"));
socket.on("data", (data) => { process.stdout.write(data); socket.end(); });
"""


@pytest.fixture
def languages(tmp_path: Path) -> Path:
    """A folder with a client in each language that this machine has, and a mark for each."""
    folder = tmp_path / "clients"
    folder.mkdir(mode=0o755)
    if shutil.which("gcc"):
        (folder / "c.c").write_text(C)
        subprocess.run(["gcc", "-o", folder / "client", folder / "c.c"], check=True, timeout=60)
        (folder / "c").touch()
    if shutil.which("java") and shutil.which("javac"):
        (folder / "Client.java").write_text(JAVA)
        subprocess.run(["javac", "Client.java"], cwd=folder, check=True, timeout=60)
        (folder / "java").touch()
    if shutil.which("node"):
        (folder / "client.js").write_text(NODE)
        (folder / "node").touch()
    return folder


def test_programs_of_any_language_run_unchanged(languages: Path, tmp_path: Path) -> None:
    there = [name for name in ("c", "java", "node") if (languages / name).exists()]
    given = job("given", folders=(str(languages),), parameters={"folder": str(languages)})
    (record,) = perform([given], tmp_path)
    assert isinstance(record, Record), record
    ran = [program for program in record.programs if program.argv[0] != "test"]
    assert there and len(ran) == len(there)
    for program in ran:
        assert (program.status, program.stdout) == (0, "hello\n"), program
        assert program.ended - program.started > 0.1
