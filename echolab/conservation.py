"""The proof that no packet went astray: what was sent, less what links dropped, was received.

Values only: a pure function of a record's counters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from echolab.record import INCONCLUSIVE, PASS, Check, Record

LEEWAY = 0.01
"""Share of all packets that may stay without proof where a bridge holds fragments back:
a tenth of what the exact test of a rate can see in a thousand trials."""

EXACT = "sent minus received equals the drop counters, exactly"


def conservation(record: Record) -> Check:
    """Every packet is accounted for: sent minus received equals the kernel's drop counters.

    On each shaped host, what was handed to the link is what it carried and dropped, and
    what it carried is what the device sent; over all hosts, what was sent was received.
    """
    before, after = record["counters"]["before"], record["counters"]["after"]
    problems = [problem for host in after for problem in _through_link(record, host)]
    strangers = _strangers(before, after)
    sent, received = _on_the_wire(before, after), _sums(before, after, "ip_in") - strangers
    if sent is None:  # then the devices must do, which see the frames of others too
        sent, received = _sums(before, after, "sent"), _sums(before, after, "received")
    why = EXACT
    if sent != received and not (_has(record, "corrupt") and received < sent):
        held = _held_back(record, sent - received)
        if held is None:
            problems.append(f"{sent} packets were sent, {received} received")
        elif held.unproven > LEEWAY * sent:
            problems.append(f"{held.words()}; that of all {sent} is too many")
        else:
            why = held.words()
    if problems:
        return Check("conservation", INCONCLUSIVE, "; ".join(problems))
    return Check("conservation", PASS, why)


@dataclasses.dataclass(frozen=True)
class HeldBack:
    """Fragments that a bridge did not forward: those of datagrams that had lost one.

    `unproven` is how many packets may have vanished otherwise and leave the counters so.
    """

    fragments: int
    datagrams: int
    unproven: int

    def words(self) -> str:
        return (
            f"the bridge between the hosts puts fragments together, as firewalls do "
            f"(br_netfilter): of {self.datagrams} datagrams that lost a fragment it kept the "
            f"other {self.fragments}; all other packets are accounted for, but for "
            f"{self.unproven} at most"
        )


def _held_back(record: Record, missing: int) -> HeldBack | None:
    """What the bridge kept, where that can be all that is missing; None otherwise.

    With Docker's firewall rules the machine follows connections, and Linux then puts the
    fragments that cross a bridge together and cuts the whole datagram anew
    (nf_defrag_ipv4, br_nf_dev_queue_xmit): one that is not whole never leaves the bridge.
    The other engines' bridges have no such rules.

    Links count their drops without regard to fragments. But packets that are none are
    conserved, so that `died` of the fragments died on links; and each datagram that did
    not arrive has lost one at least. Were a packet lost that no counter has, `died` would
    be one less for it, or the datagrams one more. And on a bridge that kept nothing back
    not all fragments, at least two, of each such datagram would be missing.
    """
    if record["engine"] != "docker" or _has(record, "duplicate"):
        return None
    before, after = record["counters"]["before"], record["counters"]["after"]
    made, came = _named(before, after, "Ip.FragCreates"), _named(before, after, "Ip.ReasmReqds")
    datagrams = _named(before, after, "Ip.FragOKs") - _named(before, after, "Ip.ReasmOKs")
    died = made - came - missing
    dropped = _sums(before, after, "dropped") + _sums(before, after, "chosen")
    if not 0 < datagrams <= died <= dropped or made - came < 2 * datagrams or missing <= 0:
        return None
    return HeldBack(missing, datagrams, died - datagrams)


FATES = (
    *("InDelivers", "ForwDatagrams", "InHdrErrors", "InAddrErrors", "InDiscards"),
    *("InUnknownProtos", "ReasmReqds"),
)
"""What becomes of an IPv4 packet that was received, as RFC 4293 has it. One that was put
together of fragments is delivered too: ReasmOKs comes off."""


def _strangers(before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    """IPv4 packets that hosts received from outside the lab: multicast and broadcast.

    The machine itself has a foot in its bridge and talks there now and then: IGMP when the
    bridge comes up, multicast DNS. A packet for a group that a host has not joined is
    received and then has no fate that Linux counts (ip_route_input_rcu, net/ipv4/route.c).
    Where hosts of the lab sent such packets themselves nobody can tell them apart.
    """
    if _named(before, after, "IpExt.OutMcastPkts") or _named(before, after, "IpExt.OutBcastPkts"):
        return 0
    met = sum(_named(before, after, f"Ip.{fate}") for fate in FATES)
    met += _named(before, after, "IpExt.InNoRoutes") - _named(before, after, "Ip.ReasmOKs")
    fateless = max(0, _named(before, after, "Ip.InReceives") - met)
    groups = ("IpExt.InMcastPkts", "IpExt.InBcastPkts")
    return fateless + sum(_named(before, after, name) for name in groups)


def _sums(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> int:
    return sum(int(after[host][name]) - int(before[host][name]) for host in after)


def _named(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> int:
    return sum(
        int(after[host]["named"].get(name, 0)) - int(before[host]["named"].get(name, 0))
        for host in after
    )


def _on_the_wire(before: Mapping[str, Any], after: Mapping[str, Any]) -> int | None:
    """IP packets that left all hosts: what links carried, and what was sent without one.

    Less those for which nobody answered ARP: of each the kernel tells itself by ICMP.
    """
    left = _sums(before, after, "ip_out")
    for host, count in after.items():
        if count["handed"] is None:
            return None
        left += count["carried"] - count["handed"]
        told = [
            count["named"].get(name, 0) - before[host]["named"].get(name, 0)
            for name in ("Icmp.OutDestUnreachs", "Icmp.InDestUnreachs")
        ]
        left -= min(told)
    return left


def _through_link(record: Record, host: str) -> Iterable[str]:
    """What does not add up between a host and its link, where it had one."""
    count = record["counters"]["after"][host]
    handed, died = count["handed"], count["dropped"] + count["chosen"]
    out = count["carried"] + died
    if not out and not handed:
        return
    if count["queued"]:
        yield f"{host} still had {count['queued']} packets queued at the end"
    duplicates = _has(record, "duplicate", host)
    if handed is None:
        return
    if not duplicates and out != handed:
        yield (
            f"{host} handed {handed} packets to its link, which carried {count['carried']} "
            f"and dropped {died}"
        )
    elif duplicates and not handed <= out <= 2 * handed:
        yield f"{host} handed {handed} packets to its link, which accounts for {out}"


def _has(record: Record, option: str, host: str | None = None) -> bool:
    """Whether any link, or any of one host, had that option of tc-netem(8).

    A bridge drops a frame whose sender's address was damaged into one of a group, and
    counts it nowhere: with `corrupt` less may be received than was sent.
    """
    return any(
        option in command["argv"] and host in (None, command["host"])
        for command in record["commands"]
    )
