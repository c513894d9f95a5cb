"""The kernel's counters of one host, read from /proc/net and `tc -s -j`: values only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Counters:
    """What the kernel counted on one host, in packets, since its namespace was made.

    `ip_out` are IPv4 and IPv6 packets handed to the device, `ip_in` IPv4 packets that it
    handed up; what went over the loopback device is in neither. `sent` and `received` are
    the device's own; `carried`, `dropped` and `queued` are the link's queue (0 on an
    unshaped host); `chosen` are the packets that died by number; `handed` are those
    handed to the link while it was shaped, None where that is not known; `named` are all
    the others by their name in /proc/net/snmp and /proc/net/netstat, "Tcp.RetransSegs"
    for example.
    """

    ip_out: int
    ip_in: int
    sent: int
    received: int
    carried: int = 0
    dropped: int = 0
    queued: int = 0
    chosen: int = 0
    handed: int | None = 0
    named: Mapping[str, int] = dataclasses.field(default_factory=dict)


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
    """Packets that a device received and sent, from /proc/net/dev; 0 where it is not there."""
    for line in text.splitlines():
        found, _, rest = line.partition(":")
        if found.strip() == name:
            fields = rest.split()
            return int(fields[1]), int(fields[9])
    return 0, 0


def queue(qdiscs: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Packets carried, dropped and still queued, from the JSON of `tc -s -j qdisc show`.

    The root has what went through; the netem below it, where packets die, have what died.
    All are 0 where the root is no queue of ours.
    """
    ours = [qdisc for qdisc in qdiscs if qdisc.get("kind") == "netem"]
    if not ours:
        return 0, 0, 0
    return (
        sum(int(qdisc.get("packets", 0)) for qdisc in ours),
        sum(int(qdisc.get("drops", 0)) for qdisc in ours),
        sum(int(qdisc.get("qlen", 0)) for qdisc in ours),
    )


def chosen(filters: Sequence[Mapping[str, Any]]) -> int:
    """Packets that died by number, from the JSON of `tc -s -j filter show dev eth0 egress`."""
    total = 0
    for entry in filters:
        for action in entry.get("options", {}).get("actions", []):
            control = action.get("control_action", {})
            if control.get("type") in ("trap", "drop"):
                total += int(action.get("stats", {}).get("packets", 0))
    return total


def make(
    snmp: str, netstat: str, snmp6: str, dev: str, queued: tuple[int, int, int], died: int
) -> Counters:
    """The counters of one host from the texts of its files and of its link."""
    every = {**named(snmp), **named(netstat)}
    _, looped = device(dev, "lo")
    received, sent = device(dev)
    return Counters(
        ip_out=_transmitted(every, "Ip.") + _transmitted(named6(snmp6), "Ip6") - looped,
        ip_in=every.get("Ip.InReceives", 0) - looped,
        sent=sent,
        received=received,
        carried=queued[0],
        dropped=queued[1],
        queued=queued[2],
        chosen=died,
        named=every,
    )


def _transmitted(count: Mapping[str, int], family: str) -> int:
    """Packets that IP handed to devices: OutTransmits since Linux 6.7.

    Before, they are the requests, with the fragments in place of what was cut (RFC 4293).
    """
    if f"{family}OutTransmits" in count:
        return count[f"{family}OutTransmits"]
    requests, cut = count.get(f"{family}OutRequests", 0), count.get(f"{family}FragOKs", 0)
    return requests - cut + count.get(f"{family}FragCreates", 0)
