"""Captures: what a host handed to its link, what the link let through, what arrived."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import dpkt
import pytest

from echolab.engines.docker.engine import open_network
from echolab.engines.docker.program import output_of
from echolab.job import Job
from echolab.settings import Settings

pytestmark = pytest.mark.alone

Seen = dict[tuple[bytes, int], float]


def datagrams(file: Path) -> Seen:
    """The IPv4 datagrams of a capture by sender and identification, each with its time."""
    found: Seen = {}
    with file.open("rb") as stream:
        for at, frame in dpkt.pcap.Reader(stream):
            packet = dpkt.ethernet.Ethernet(frame).data
            if isinstance(packet, dpkt.ip.IP) and isinstance(packet.data, dpkt.udp.UDP):
                found[packet.src, packet.id] = float(at)
    return found


@pytest.fixture(scope="module")
def captured(
    here: Settings, job: Job, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Seen]:
    """What both hosts' captures have of 200 echoes over a link that delays and loses."""
    settings = dataclasses.replace(here, folder=tmp_path_factory.mktemp("captures"))
    job = dataclasses.replace(job, capture=True)
    with open_network(job, settings, lambda line: None) as network:
        netem = ("limit", "1000", "delay", "20ms", "loss", "random", "20%")
        network.tc("client", ("qdisc", "replace", "dev", "eth0", "root", "netem", *netem))
        argv = ["python3", "-m", "echo_app.probe", "server", "--protocol", "udp", "--count", "200"]
        network.start("client", [*argv, "--interval", "0.01"]).wait(60)
        files = {(one.host, one.where): Path(one.file) for one in network.captures()}
    return {key: datagrams(file) for key, file in files.items()}


def test_what_died_is_in_the_capture_before_and_not_in_the_one_after(
    captured: dict[tuple[str, str], Seen],
) -> None:
    handed = captured["client", "before-link"].keys()
    through = {key for key in captured["client", "after-link"] if key in handed}
    arrived = {key for key in captured["server", "after-link"] if key in handed}
    assert len(handed) == 200
    assert 100 < len(through) < 200
    assert through == arrived


def test_times_before_and_after_the_link_are_on_one_clock(
    captured: dict[tuple[str, str], Seen],
) -> None:
    handed, through = captured["client", "before-link"], captured["client", "after-link"]
    arrived = captured["server", "after-link"]
    inside = sorted(through[key] - at for key, at in handed.items() if key in through)
    onward = sorted(at - through[key] for key, at in arrived.items() if key in through)
    assert inside[len(inside) // 2] == pytest.approx(0.02, abs=1e-3)
    assert onward[len(onward) // 2] == pytest.approx(0, abs=1e-3)


def test_what_a_host_receives_is_in_its_capture(captured: dict[tuple[str, str], Seen]) -> None:
    answers = captured["server", "before-link"].keys()
    assert len(answers) > 100
    assert answers <= captured["client", "after-link"].keys()


SIGNAL_TCPDUMP = """
import os, pathlib, sys
for process in pathlib.Path("/proc").glob("[0-9]*"):
    if (process / "comm").read_text() == "tcpdump\\n":
        os.kill(int(process.name), int(sys.argv[1]))
"""

BURST = """
import socket
made = socket.socket(type=socket.SOCK_DGRAM)
for _ in range(40_000):
    made.sendto(bytes(1400), PEER)
"""


def test_packets_that_tcpdump_could_not_keep_are_counted(
    here: Settings, job: Job, tmp_path: Path
) -> None:
    settings = dataclasses.replace(here, folder=tmp_path)
    job = dataclasses.replace(job, capture=True)
    with open_network(job, settings, lambda line: None) as network:

        def tell_tcpdump(number: int) -> None:
            argv = ["python3", "-c", SIGNAL_TCPDUMP, str(int(number))]
            assert output_of(network.api, network.links["client"].id, argv)[0] == 0

        tell_tcpdump(signal.SIGSTOP)
        burst = BURST.replace("PEER", repr((network.addresses["server"].ip, 9)))
        assert network.start("client", ["python3", "-c", burst]).wait(60).status == 0
        tell_tcpdump(signal.SIGCONT)
        lost = {(one.host, one.where): one.lost for one in network.captures()}
    assert lost["client", "after-link"] > 0
    assert lost["server", "before-link"] == 0
