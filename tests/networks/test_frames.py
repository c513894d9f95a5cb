"""Bursts of datagrams (udp(7), UDP_SEGMENT) lose segments on a link, not all of themselves."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from echolab.judge import verdicts
from echolab.record import Record
from echolab.scenario.performance import perform
from echolab.settings import Settings
from tests.needs import lacking
from tests.networks.conftest import Run, job_of, passed

PAIR = """
    services:
      server: {image: echolab-host, x-echolab: idle}
      client: {image: echolab-host, x-echolab: idle}
"""

BURSTS = """
TAKE = '''
import collections, json, socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind(("", 9999))
    s.settimeout(2)
    came = collections.Counter()
    try:
        while True:
            came[s.recv(2000)[0]] += 1
    except TimeoutError:
        print(json.dumps(list(came.values())))
'''
SEND = '''
import socket, sys, time
UDP_SEGMENT = 103
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    for number in range(100):
        s.sendto(bytes([number]) * 10_000, (sys.argv[1], 9999))
        time.sleep(0.01)
'''

@scenario(baseline=False)
def bursts(lab: Lab) -> None:
    import json
    lab.shape("client", Link(loss=0.3))
    taker = lab.start("server", ["python3", "-c", TAKE])
    lab.sleep(0.5)
    sent = lab.run("client", ["python3", "-c", SEND, lab.address("server").ip])
    lab.expect_equal("all was sent", sent.status, 0)
    came = json.loads(taker.wait().stdout)
    lab.expect_rate("segments lost", 1000 - sum(came), 1000, theory=0.3)
    lab.expect("some of most bursts arrived", len(came) > 90, seen=len(came))
"""


def accounted(record: Record) -> bool:
    """Whether the link accounts for each segment."""
    client = record.counters.after["client"]
    return client.handed == 100 and client.framed == 1000 == client.carried + client.dropped


@pytest.mark.exact
def test_segments_die_in_exact(exactly: Run) -> None:
    record = exactly(PAIR, BURSTS, capture=True)
    assert passed(record)
    assert accounted(record)


@pytest.mark.docker
@pytest.mark.alone
def test_segments_die_where_an_appliance_shapes(tmp_path: Path) -> None:
    from echolab.engines.docker import engine

    job = job_of(tmp_path, PAIR, BURSTS, seed=1, capture=True)
    settings = dataclasses.replace(
        Settings.from_environment(os.environ), folder=tmp_path, compose=tmp_path / "compose.yaml"
    )
    lack = engine.lack(settings)
    if lack is not None:
        lacking(f"{lack.what}; {lack.remedy}")
    with engine.open_network(job, settings, lambda line: None) as network:
        if network.link_by != "appliance":
            pytest.skip("this machine's own netem lets bursts die whole, and the judge says so")
        record = verdicts.judge(perform(job, network, engine.NAME))
    assert passed(record)
    assert accounted(record)
