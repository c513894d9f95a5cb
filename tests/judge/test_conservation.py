"""What the proof of conservation makes of a bridge that puts fragments together."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import pytest

from echolab import catalogue, judge
from echolab.conservation import LEEWAY
from echolab.job import Job
from echolab.record import Record

PerformAll = Callable[[Sequence[Job]], list[Record]]

PIECES = {1000: 0, 1472: 0, 1473: 2, 12_000: 9}
"""Fragments of a datagram of each of the scenario's sizes, of 1480 bytes at most."""


@pytest.fixture(scope="module")
def straight(perform_all: PerformAll, jobs: Callable[..., Iterator[Job]]) -> Record:
    """A real record of `fragments`, on a bridge that forwards each packet as it is."""
    return perform_all(tuple(jobs(catalogue.ROOT / "scenarios" / "fragments.py", 5)))[0]


def less(record: Record, host: str, *, whole: int = 0, fragments: int = 0) -> Record:
    """A copy of a record in which that many packets fewer arrived at a host."""
    changed = copy.deepcopy(record)
    count = changed["counters"]["after"][host]
    count["ip_in"] -= whole + fragments
    count["named"]["Ip.InReceives"] -= whole + fragments
    count["named"]["Ip.InDelivers"] -= whole
    count["named"]["Ip.ReasmReqds"] -= fragments
    return changed


@pytest.fixture(scope="module")
def bridged(straight: Record) -> Record:
    """The same as a bridge with connection tracking would have had it.

    It forwards the fragments of the datagrams that are whole. The server received every
    fragment that the link carried, and answered each whole datagram.
    """
    before, after = (straight["counters"][when]["server"]["named"] for when in ("before", "after"))
    came = after["Ip.ReasmReqds"] - before["Ip.ReasmReqds"]
    whole = sum(PIECES[probe["size"]] * probe["delivered"] for probe in straight["probes"])
    # The largest datagram that can be sent went over a link that lost nothing.
    whole += -(-65515 // 1480)
    assert 0 < whole < came
    return {**less(straight, "server", fragments=came - whole), "engine": "docker"}


def conserved(record: Record) -> tuple[str, str]:
    """Verdict and words of the proof."""
    (check,) = (check for check in judge.judge(record)["checks"] if check["name"] == "conservation")
    return check["verdict"], check["why"]


@pytest.mark.exact
def test_fragments_that_a_bridge_kept_are_accounted_for_in_words(bridged: Record) -> None:
    verdict, why = conserved(bridged)
    assert verdict == "pass"
    assert "puts fragments together" in why


@pytest.mark.exact
def test_a_bridge_without_a_firewall_may_keep_none(bridged: Record) -> None:
    assert conserved({**bridged, "engine": "exact"})[0] == "inconclusive"


@pytest.mark.exact
def test_whole_packets_that_vanish_beside_them_are_seen(bridged: Record) -> None:
    verdict, why = conserved(less(bridged, "server", whole=30))
    assert (verdict, "packets were sent" in why) == ("inconclusive", True)


@pytest.mark.exact
def test_datagrams_that_vanish_beside_them_are_seen(bridged: Record) -> None:
    """Of 30 datagrams more no fragment arrived, though none of them had lost one."""
    worse = less(bridged, "server", fragments=30 * 9)
    for name in ("Ip.ReasmOKs", "Ip.InDelivers"):
        worse["counters"]["after"]["server"]["named"][name] -= 30
    assert conserved(worse)[0] == "inconclusive"


@pytest.mark.exact
def test_without_fragments_nothing_may_be_missing(straight: Record) -> None:
    assert conserved({**less(straight, "server", whole=1), "engine": "docker"})[0] == "inconclusive"


@pytest.mark.exact
def test_more_without_proof_than_the_leeway_is_inconclusive(bridged: Record) -> None:
    """Links that dropped more fragments leave more room for other losses to hide."""
    worse = copy.deepcopy(bridged)
    sent = worse["counters"]["after"]["client"]["handed"]
    more = round(3 * LEEWAY * sent)
    count = worse["counters"]["after"]["client"]
    for name in ("handed", "dropped", "ip_out"):
        count[name] += more
    count["named"]["Ip.FragCreates"] += more
    verdict, why = conserved(worse)
    assert verdict == "inconclusive"
    assert "too many" in why


def more(record: Record, **counted: int) -> Record:
    """A copy of a record in which the server's kernel counted that many packets more."""
    changed = copy.deepcopy(record)
    count = changed["counters"]["after"]["server"]
    for name, number in counted.items():
        group = "IpExt" if "castPkts" in name else "Ip"
        count["named"][f"{group}.{name}"] = count["named"].get(f"{group}.{name}", 0) + number
    count["ip_in"] += counted.get("InReceives", 0)
    return changed


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
