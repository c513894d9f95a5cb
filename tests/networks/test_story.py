"""Captures are per device, and the packet story shows each hop of a packet that is passed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from echolab.report import captures, events
from tests.networks.conftest import Run, passed
from tests.networks.topologies import CASES

pytestmark = pytest.mark.exact

CHAIN = next(case for case in CASES if case.name == "chain")

ASK = """
@scenario(baseline=False)
def ask(lab: Lab) -> None:
    lab.shape("r2", Link(drop=(2,)), network="n3")
    probe = lab.probe("left", lab.address("right").ip, count=3, size=100)
    lab.expect_equal("one datagram died", probe.lost, 1)
"""


def test_a_datagram_is_seen_on_each_network_and_dies_on_the_one_that_is_shaped(
    exactly: Run, tmp_path: Path
) -> None:
    record = exactly(CHAIN.text(), ASK, capture=True, folder=tmp_path)
    assert passed(record)
    assert [one.file for one in record.captures if one.host == "r2"] == [
        "r2.n2.before-link.pcap",
        "r2.n2.after-link.pcap",
        "r2.n3.before-link.pcap",
        "r2.n3.after-link.pcap",
    ]
    story = events.tell(record, captures.load(record, tmp_path / "0"))
    there = [
        (event.source, event.target, event.died)
        for event in story.packet_events
        if event.packet.protocol == "udp" and event.packet.destination_port == 7
    ]
    way = [("left", "r1"), ("r1", "r2"), ("r2", "r3"), ("r3", "right")]
    assert there[:4] == [(*hop, False) for hop in way]
    assert [hop for hop in there if hop[2]] == [("r2", "r3", True)]
    assert len(there) == 4 + 3 + 4
