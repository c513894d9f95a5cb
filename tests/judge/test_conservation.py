"""What the proof of conservation makes of a bridge that puts fragments together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from echolab import resources
from echolab.job import Job
from echolab.judge import verdicts
from echolab.judge.conservation import LEEWAY
from echolab.record import Record, Traits
from echolab.record.format import plain, read

PerformAll = Callable[[Sequence[Job]], list[Record]]

FIREWALLED = Traits(virtual=True, firewalled=True)

PIECES = {1000: 0, 1472: 0, 1473: 2, 12_000: 9}
"""Fragments of a datagram of each of the scenario's sizes, of 1480 bytes at most."""


@pytest.fixture(scope="module")
def straight(perform_all: PerformAll, jobs: Callable[..., Iterator[Job]]) -> Record:
    """A real record of `fragments`, on a bridge that forwards each packet as it is."""
    return perform_all(tuple(jobs(resources.ROOT / "scenarios" / "fragments.py", 5)))[0]


def document(record: Record) -> Any:
    """A record as JSON, to be changed."""
    return plain(record)


def less(record: Record, host: str, *, whole: int = 0, fragments: int = 0) -> Record:
    """A copy of a record in which that many packets fewer arrived at a host."""
    changed = document(record)
    count = changed["counters"]["after"][host]
    count["ip_in"] -= whole + fragments
    count["named"]["Ip.InReceives"] -= whole + fragments
    count["named"]["Ip.InDelivers"] -= whole
    count["named"]["Ip.ReasmReqds"] -= fragments
    return read(Record, changed, "the copy")


@pytest.fixture(scope="module")
def bridged(straight: Record) -> Record:
    """The same as a bridge with connection tracking would have had it.

    It forwards the fragments of the datagrams that are whole. The server received every
    fragment that the link carried, and answered each whole datagram.
    """
    readings = straight.counters
    before, after = readings.before["server"].named, readings.after["server"].named
    came = after["Ip.ReasmReqds"] - before["Ip.ReasmReqds"]
    whole = sum(PIECES[probe.size] * probe.delivered for probe in straight.probes)
    # The largest datagram that can be sent went over a link that lost nothing.
    whole += -(-65515 // 1480)
    assert 0 < whole < came
    return dataclasses.replace(less(straight, "server", fragments=came - whole), traits=FIREWALLED)


def conserved(record: Record) -> tuple[str, str]:
    """Verdict and words of the proof."""
    (check,) = (check for check in verdicts.judge(record).checks if check.name == "conservation")
    return check.verdict, check.why


@pytest.mark.exact
def test_fragments_that_a_bridge_kept_are_accounted_for_in_words(bridged: Record) -> None:
    verdict, why = conserved(bridged)
    assert verdict == "pass"
    assert "puts fragments together" in why


REFUSED = """
from echolab import Lab, scenario

ASK = '''
import socket, sys
for where in ("127.0.0.1", sys.argv[1]):
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.settimeout(1)
    asked.connect((where, 9))
    for _ in range(3):
        try:
            asked.send(b"?")
            asked.recv(9)
        except ConnectionRefusedError:
            pass
'''

@scenario(baseline=False)
def refused(lab: Lab) -> None:
    for host, other in (("client", "server"), ("server", "client")):
        done = lab.run(host, ["python3", "-c", ASK, other])
        lab.expect(f"{host} was refused", done.status == 0)
"""


@pytest.mark.exact
def test_datagrams_to_ports_that_are_closed_are_accounted_for(
    perform_all: PerformAll, jobs: Callable[..., Iterator[Job]], tmp_path: Path
) -> None:
    script = tmp_path / "refused.py"
    script.write_text(REFUSED, encoding="utf-8")
    (record,) = perform_all(tuple(jobs(script, 1)))
    assert conserved(record) == ("pass", "sent minus received equals the drop counters, exactly")


@pytest.mark.exact
def test_a_bridge_without_a_firewall_may_keep_none(bridged: Record) -> None:
    assert conserved(dataclasses.replace(bridged, traits=Traits(virtual=True)))[0] == "inconclusive"


@pytest.mark.exact
def test_whole_packets_that_vanish_beside_them_are_seen(bridged: Record) -> None:
    verdict, why = conserved(less(bridged, "server", whole=30))
    assert (verdict, "packets were sent" in why) == ("inconclusive", True)


@pytest.mark.exact
def test_datagrams_that_vanish_beside_them_are_seen(bridged: Record) -> None:
    """Of 30 datagrams more no fragment arrived, though none of them had lost one."""
    worse = document(less(bridged, "server", fragments=30 * 9))
    for name in ("Ip.ReasmOKs", "Ip.InDelivers"):
        worse["counters"]["after"]["server"]["named"][name] -= 30
    assert conserved(read(Record, worse, "the copy"))[0] == "inconclusive"


@pytest.mark.exact
def test_without_fragments_nothing_may_be_missing(straight: Record) -> None:
    assert (
        conserved(dataclasses.replace(less(straight, "server", whole=1), traits=FIREWALLED))[0]
        == "inconclusive"
    )


@pytest.mark.exact
def test_more_without_proof_than_the_leeway_is_inconclusive(bridged: Record) -> None:
    """Links that dropped more fragments leave more room for other losses to hide."""
    worse = document(bridged)
    sent = worse["counters"]["after"]["client"]["handed"]
    more = round(3 * LEEWAY * sent)
    count = worse["counters"]["after"]["client"]
    for name in ("handed", "dropped", "ip_out"):
        count[name] += more
    count["named"]["Ip.FragCreates"] += more
    verdict, why = conserved(read(Record, worse, "the copy"))
    assert verdict == "inconclusive"
    assert "too many" in why


def more(record: Record, **counted: int) -> Record:
    """A copy of a record in which the server's kernel counted that many packets more."""
    changed = document(record)
    count = changed["counters"]["after"]["server"]
    for name, number in counted.items():
        group = "IpExt" if "castPkts" in name else "Ip"
        count["named"][f"{group}.{name}"] = count["named"].get(f"{group}.{name}", 0) + number
    count["ip_in"] += counted.get("InReceives", 0)
    return read(Record, changed, "the copy")


@pytest.mark.exact
@pytest.mark.parametrize(
    "counted",
    [{"InReceives": 2}, {"InReceives": 2, "InDelivers": 2, "InMcastPkts": 2}],
    ids=["for a group that nobody joined", "for a group that the host joined"],
)
def test_what_the_machine_says_to_all_is_none_of_the_labs(
    straight: Record, counted: dict[str, int]
) -> None:
    assert conserved(more(straight, **counted))[0] == "pass"
    lost = less(more(straight, **counted), "server", whole=2)
    assert conserved(lost)[0] == "inconclusive"


@pytest.mark.exact
@pytest.mark.parametrize(
    "counted",
    [{"InReceives": 1, "InDelivers": 1}, {"InReceives": 1, "OutMcastPkts": 1}],
    ids=["delivered to one host", "where a host speaks to groups itself"],
)
def test_a_packet_too_many_is_seen(straight: Record, counted: dict[str, int]) -> None:
    assert conserved(more(straight, **counted))[0] == "inconclusive"


def to_groups(record: Record, host: str, *, died: int = 0, arrived: int = 0) -> Record:
    """A copy of a record in which a host sent IPv6 packets to a group with all hosts in it."""
    changed = document(record)
    for name, count in changed["counters"]["after"].items():
        if name == host:
            count["named"]["Ip6.OutMcastPkts"] = died + arrived
            count["ip_out"] += died + arrived
            if count["handed"]:
                count["handed"] += died + arrived
                count["carried"] += arrived
                count["dropped"] += died
        else:
            count["named"]["Ip6.InMcastPkts"] = arrived
            count["ip_in"] += arrived
    return read(Record, changed, "the copy")


@pytest.mark.exact
def test_packets_to_groups_may_die_on_the_link_of_the_host_that_sent_them(
    straight: Record,
) -> None:
    assert conserved(to_groups(straight, "client", died=2, arrived=3))[0] == "pass"


@pytest.mark.exact
def test_what_a_host_without_a_link_sends_to_groups_hides_no_loss(straight: Record) -> None:
    """The client's link lost many packets, but none of those that the server sent."""
    spoken = to_groups(straight, "server", arrived=3)
    assert conserved(spoken)[0] == "pass"
    more_came = read(Record, _one_more(document(spoken)), "the copy")
    assert conserved(more_came)[0] == "inconclusive"


def _one_more(changed: Any) -> Any:
    changed["counters"]["after"]["client"]["ip_in"] += 1
    return changed


@pytest.mark.exact
def test_too_many_packets_to_groups_leave_the_figures_unproven(straight: Record) -> None:
    many = int(LEEWAY * sum(count.ip_out for count in straight.counters.after.values()))
    assert conserved(to_groups(straight, "client", died=2, arrived=3 * many))[0] == "inconclusive"
