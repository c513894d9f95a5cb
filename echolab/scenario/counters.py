"""The kernel's counters of one host, read from /proc/net and from its queues: values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from echolab.record import Counters
from echolab.tc import Qdisc

OF_IPV6 = ("InReceives", "InMcastPkts", "OutMcastPkts")
"""The IPv6 counters that a record names, as "Ip6.InReceives"; of IPv4 it has all."""


def named(text: str) -> dict[str, int]:
    """The counters of /proc/net/snmp or /proc/net/netstat: pairs of lines, names then values."""
    values: dict[str, int] = {}
    lines = [line for line in text.splitlines() if ":" in line]
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        group, _, head = names.partition(":")
        _, _, tail = numbers.partition(":")
        for name, number in zip(head.split(), tail.split(), strict=False):
            values[f"{group}.{name}"] = int(number)
    return values


def named6(text: str) -> dict[str, int]:
    """The counters of /proc/net/snmp6: one name and one value a line."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def device(text: str, name: str = "eth0") -> tuple[int, int]:
    """Packets that a device received and sent, from /proc/net/dev; 0 if it is not there."""
    for line in text.splitlines():
        found, _, rest = line.partition(":")
        if found.strip() == name:
            fields = rest.split()
            return int(fields[1]), int(fields[9])
    return 0, 0


def framed(text: str, number: int) -> int | None:
    """Frames that a host handed to its device of that number, from /proc/net/dev.

    They are counted before the link, each segment of a burst separately: by the device that leads
    to an appliance, or by the one that receives the copies for a capture. None without either.
    """
    known = {line.partition(":")[0].strip() for line in text.splitlines()}
    for name in (f"link{number}", f"lab{number}", f"before{number}"):
        if name in known:
            return device(text, name)[1]
    return None


def queue(qdiscs: Iterable[Qdisc]) -> tuple[int, int, int]:
    """Packets carried, dropped and still queued by the netem queues among these."""
    ours = [qdisc for qdisc in qdiscs if qdisc.kind == "netem"]
    return (
        sum(qdisc.carried for qdisc in ours),
        sum(qdisc.dropped for qdisc in ours),
        sum(qdisc.queued for qdisc in ours),
    )


def make(
    snmp: str,
    netstat: str,
    snmp6: str,
    dev: str,
    queued: tuple[int, int, int],
    died: int,
    devices: Sequence[str] = ("eth0",),
) -> Counters:
    """The counters of one host from the texts of its files and of its links.

    `devices` are the names of those that lead to networks.
    """
    every = {**named(snmp), **named(netstat)}
    six = named6(snmp6)
    every |= {f"Ip6.{name}": six[f"Ip6{name}"] for name in OF_IPV6 if f"Ip6{name}" in six}
    _, looped = device(dev, "lo")
    moved = [device(dev, name) for name in devices]
    return Counters(
        ip_out=_transmitted(every, "Ip.", "ForwDatagrams")
        + _transmitted(six, "Ip6", "OutForwDatagrams")
        - looped,
        ip_in=every.get("Ip.InReceives", 0) + six.get("Ip6InReceives", 0) - looped,
        sent=sum(sent for _, sent in moved),
        received=sum(received for received, _ in moved),
        carried=queued[0],
        dropped=queued[1],
        queued=queued[2],
        chosen=died,
        named=every,
    )


def total(past: Counters, now: Counters) -> Counters:
    """The counters of a host over the lives of a former kernel and of this one."""
    names = {**past.named, **now.named}
    handed = None if past.handed is None or now.handed is None else past.handed + now.handed
    framed = None if past.framed is None or now.framed is None else past.framed + now.framed
    return Counters(
        ip_out=past.ip_out + now.ip_out,
        ip_in=past.ip_in + now.ip_in,
        sent=past.sent + now.sent,
        received=past.received + now.received,
        carried=past.carried + now.carried,
        dropped=past.dropped + now.dropped,
        queued=now.queued,
        chosen=past.chosen + now.chosen,
        handed=handed,
        framed=framed,
        named={name: past.named.get(name, 0) + now.named.get(name, 0) for name in names},
    )


def _transmitted(count: Mapping[str, int], family: str, forwarded: str) -> int:
    """Packets that IP handed to devices: OutTransmits since Linux 6.7.

    Before, they are the requests and the forwarded packets, with the fragments in place of what was
    fragmented (RFC 4293).
    """
    if f"{family}OutTransmits" in count:
        return count[f"{family}OutTransmits"]
    requests, cut = count.get(f"{family}OutRequests", 0), count.get(f"{family}FragOKs", 0)
    passed_on = count.get(f"{family}{forwarded}", 0)
    return requests + passed_on - cut + count.get(f"{family}FragCreates", 0)
