"""The proof that no packet went astray: packets sent, minus drops on links, equal those received.

Values only: a pure function of a record's counters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from echolab.record import INCONCLUSIVE, PASS, Check, Counters, Record

LEEWAY = 0.01
"""The share of all packets that may stay unproven if a bridge holds fragments back: a tenth of
what the exact test of a rate can see in a thousand trials."""

POWER = ("kill", "restart")
"""The faults that make a host's kernel lose what it counted and queued."""

Counts = Mapping[str, Counters]
"""The counters of each host by its name."""

EXACT = "sent minus received equals the drop counters, exactly"


def conservation(record: Record) -> Check:
    """Every packet is accounted for: sent minus received equals the kernel's drop counters.

    On each shaped host, the packets handed to the link are those that it carried and dropped; over
    all hosts, the packets sent were received.
    """
    died = _died(record)
    if died:
        return _where_hosts_died(record, died)
    before, after = record.counters.before, record.counters.after
    problems = [problem for host in after for problem in _through_link(record, host)]
    strangers = _strangers(before, after)
    sent = _on_the_wire(record)
    received = _sum(before, after, lambda count: count.ip_in) - strangers
    groups = _groups(before, after)
    if sent is None:  # then the devices' counters must do, which also see the frames of others
        sent = _sum(before, after, lambda count: count.sent)
        received = _sum(before, after, lambda count: count.received)
    sent, received = sent - groups.sent, received - groups.received
    why = EXACT
    missing = sent - received
    if missing and not (_has(record, "corrupt") and missing > 0):
        held = _held_back(record, missing)
        if -groups.lost <= missing <= groups.doubled:
            why = groups.words()
            if groups.unproven(missing) > LEEWAY * sent:
                problems.append(f"{why}; that of all {sent} is too many")
        elif held is None:
            problems.append(f"{sent} packets were sent, {received} received")
        elif held.unproven > LEEWAY * sent:
            problems.append(f"{held.words()}; that of all {sent} is too many")
        else:
            why = held.words()
    if problems:
        return Check("conservation", INCONCLUSIVE, "; ".join(problems))
    return Check("conservation", PASS, why)


def _died(record: Record) -> set[str]:
    """The hosts that lost their kernel: with their power, or with their service."""
    died = {host for fault in record.faults if fault.kind in POWER for host in fault.hosts}
    return died | {life.host for life in record.lives if life.lost and life.at >= 0}


def _where_hosts_died(record: Record, died: set[str]) -> Check:
    """What can be proven if hosts lost power: nobody counts the packets that are lost with them.

    The links of all other hosts account for their packets, and nothing arrived that was not
    sent.
    """
    before, after = record.counters.before, record.counters.after
    problems = [
        problem for host in after if host not in died for problem in _through_link(record, host)
    ]
    sent = _sum(before, after, lambda count: count.ip_out)
    received = _sum(before, after, lambda count: count.ip_in) - _strangers(before, after)
    received -= _named(before, after, "Ip6.InMcastPkts")
    if received > sent and not _has(record, "duplicate"):
        problems.append(f"{sent} packets were sent, {received} received")
    if problems:
        return Check("conservation", INCONCLUSIVE, "; ".join(problems))
    return Check(
        "conservation",
        PASS,
        f"{', '.join(sorted(died))} lost power or ended, and packets with it that nobody counts; "
        "the links of all others account for theirs, and no more packets arrived than were sent",
    )


@dataclasses.dataclass(frozen=True)
class Groups:
    """IPv6 packets to groups, which several hosts receive or none, so that they are left out.

    `sent` and `received` are the hosts' counts. Links do not say which packets they dropped or
    doubled: `lost` and `doubled` are how many of these may be to groups, at most as many as the
    link's own host sent.
    """

    sent: int
    received: int
    lost: int
    doubled: int

    def unproven(self, missing: int) -> int:
        """The most other packets that may have vanished, or come from nowhere.

        That many are `missing`, plus those to groups that died, minus the doubled ones.
        """
        return max(self.lost + missing, self.doubled - missing)

    def words(self) -> str:
        """What is not proven, in the words of the check."""
        return (
            f"hosts sent {self.sent} IPv6 packets to groups, to find one another for example; "
            f"links dropped or doubled {self.lost + self.doubled} of them at most; all other "
            "packets are accounted for"
        )


def _groups(before: Counts, after: Counts) -> Groups:
    sent = received = lost = doubled = 0
    for host, count in after.items():
        alone = {host: count}
        own = _named(before, alone, "Ip6.OutMcastPkts")
        died = _sum(before, alone, lambda count: count.dropped + count.chosen)
        more = _sum(before, alone, lambda count: max(0, count.carried - (count.handed or 0)))
        sent += own
        lost += min(own, died)
        doubled += min(own, more)
    received = _named(before, after, "Ip6.InMcastPkts")
    return Groups(sent, received, lost, doubled)


@dataclasses.dataclass(frozen=True)
class HeldBack:
    """Fragments that a bridge did not forward, since others of their datagrams were lost.

    `unproven` is how many packets may have vanished in some other way without changing the
    counters.
    """

    fragments: int
    datagrams: int
    unproven: int

    def words(self) -> str:
        """What the bridge kept, in the words of the check."""
        return (
            f"the bridge between the hosts puts fragments together, as firewalls do "
            f"(br_netfilter): of {self.datagrams} datagrams that lost a fragment it kept the "
            f"other {self.fragments}; all other packets are accounted for, but for "
            f"{self.unproven} at most"
        )


def _held_back(record: Record, missing: int) -> HeldBack | None:
    """What the bridge kept, if that can account for everything missing; None otherwise.

    With Docker's firewall rules the machine tracks connections. Linux then reassembles the
    fragments that cross a bridge and fragments the datagram again (nf_defrag_ipv4,
    br_nf_dev_queue_xmit). An incomplete datagram never leaves the bridge. Without a firewall there
    are no such rules.

    Links count their drops without regard to fragments. But whole packets are conserved, so
    `died` of the fragments died on links; and each datagram that did not arrive has lost at least
    one. If a packet were lost that no counter has, `died` would be one less, or the datagrams one
    more. And if the bridge kept nothing back, not all fragments (at least two) of each such
    datagram would be missing.
    """
    if not record.traits.firewalled or _has(record, "duplicate"):
        return None
    before, after = record.counters.before, record.counters.after
    made, came = _named(before, after, "Ip.FragCreates"), _named(before, after, "Ip.ReasmReqds")
    datagrams = _named(before, after, "Ip.FragOKs") - _named(before, after, "Ip.ReasmOKs")
    died = made - came - missing
    dropped = _sum(before, after, lambda count: count.dropped + count.chosen)
    if not 0 < datagrams <= died <= dropped or made - came < 2 * datagrams or missing <= 0:
        return None
    return HeldBack(missing, datagrams, died - datagrams)


FATES = (
    "InDelivers",
    "ForwDatagrams",
    "InHdrErrors",
    "InAddrErrors",
    "InDiscards",
    "InUnknownProtos",
    "ReasmReqds",
)
"""The fates of a received IPv4 packet, by RFC 4293. A datagram reassembled from fragments counts
as delivered too, so ReasmOKs is subtracted."""


def _strangers(before: Counts, after: Counts) -> int:
    """IPv4 packets that hosts received from outside the lab: multicast and broadcast.

    The machine itself has an interface on its bridge and sends there now and then: IGMP when the
    bridge comes up, multicast DNS. A packet to a group that a host has not joined is received and
    then has no fate that Linux counts (ip_route_input_rcu, net/ipv4/route.c). If hosts of the lab
    sent such packets themselves, nobody can tell them apart.
    """
    if _named(before, after, "IpExt.OutMcastPkts") or _named(before, after, "IpExt.OutBcastPkts"):
        return 0
    met = sum(_named(before, after, f"Ip.{fate}") for fate in FATES)
    met += _named(before, after, "IpExt.InNoRoutes") - _named(before, after, "Ip.ReasmOKs")
    fateless = max(0, _named(before, after, "Ip.InReceives") - met)
    groups = ("IpExt.InMcastPkts", "IpExt.InBcastPkts")
    return fateless + sum(_named(before, after, name) for name in groups)


def _sum(before: Counts, after: Counts, figure: Callable[[Counters], int]) -> int:
    """By how much a figure rose, over all hosts."""
    return sum(figure(after[host]) - figure(before[host]) for host in after)


def _named(before: Counts, after: Counts, name: str) -> int:
    return _sum(before, after, lambda count: count.named.get(name, 0))


def _on_the_wire(record: Record) -> int | None:
    """IP packets that left all hosts: what links carried, and what was sent without one.

    If it is not known how much a host handed to its link, the packets that the link carried and
    dropped are used; None if the link also doubled packets.

    Packets for which nobody answered ARP are subtracted: for each one, the kernel sends itself an
    ICMP message.
    """
    before, after = record.counters.before, record.counters.after
    left = _sum(before, after, lambda count: count.ip_out)
    for host, count in after.items():
        handed = count.handed
        if handed is None:
            if _has(record, "duplicate", host):
                return None
            handed = count.carried + count.dropped + count.chosen
        left += count.carried - handed
        left -= _unanswered(before, {host: count})
    return left


RATE_LIMITS = ("Icmp.OutRateLimitHost", "Icmp.OutRateLimitGlobal")


def _unanswered(before: Counts, host: Counts) -> int:
    """A host's own packets for which nobody answered ARP, by the messages that it sent itself.

    Those for datagrams to ports that are closed (`Udp.NoPorts`) say something else, and only to
    other hosts is their rate limited (net/ipv4/icmp.c, icmpv4_xrlim_allow).
    """
    kept = sum(_named(before, host, name) for name in RATE_LIMITS)
    refused = max(0, _named(before, host, "Udp.NoPorts") - kept)
    told = _named(before, host, "Icmp.OutDestUnreachs") - refused
    return max(0, min(told, _named(before, host, "Icmp.InDestUnreachs")))


def _through_link(record: Record, host: str) -> Iterable[str]:
    """What does not add up between a host and its link, if it had one."""
    count = record.counters.after[host]
    handed, died = count.handed, count.dropped + count.chosen
    out = count.carried + died
    if not out and not handed:
        return
    if count.queued:
        yield f"{host} still had {count.queued} packets queued at the end"
    duplicates = _has(record, "duplicate", host)
    if handed is None:
        return
    # Bursts are one packet to IP; where something counted their segments, that must agree.
    if not duplicates and out not in (handed, count.framed):
        yield (
            f"{host} handed {handed} packets to its link, which carried {count.carried} "
            f"and dropped {died}{_perhaps(count, out)}"
        )
    elif duplicates and not handed <= out <= 2 * handed:
        yield f"{host} handed {handed} packets to its link, which accounts for {out}"


def _perhaps(count: Counters, out: int) -> str:
    """Why a link may account for a different number of packets than it was handed."""
    if count.handed is None:
        return ""
    if count.framed is not None and count.framed > count.handed:
        return (
            f", but {count.framed} frames were on their way there: ARP, or bursts (UDP_SEGMENT), "
            "which this machine's netem does not cut"
        )
    if count.framed is None and out > count.handed:
        return ": copies, ARP, or bursts (UDP_SEGMENT), whose segments a run with captures counts"
    return ""


def _has(record: Record, option: str, host: str | None = None) -> bool:
    """Whether any link, or any of one host, had that option of tc-netem(8).

    A bridge drops a frame if damage turned its sender's address into a group's, and counts the drop
    nowhere: with `corrupt`, fewer packets may be received than were sent.
    """
    return any(
        option in command.argv and host in (None, command.host) for command in record.commands
    )
