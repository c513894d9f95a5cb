"""A second account of a probe: what the kernel of its host counted while it ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from echolab import counters
from echolab.engines.contract import Network
from echolab.topology import Topology

WITNESSED = ("Udp.InDatagrams", "Udp.OutDatagrams", "Tcp.RetransSegs")
"""Datagrams that programs received and sent, and segments sent again (RFC 4113, RFC 4022)."""


class Witness:
    """Counts from when it is made; `account` says what was counted since."""

    def __init__(self, witnesses: Witnesses, host: str, alone: bool) -> None:
        self._witnesses = witnesses
        self._host = host
        self._number = witnesses.begun[host]
        self._before = witnesses.read(host) if alone else None

    def account(self) -> Mapping[str, int]:
        """The differences; empty where any other program ran on the host meanwhile."""
        if self._before is None or self._witnesses.begun[self._host] != self._number:
            return {}
        now = self._witnesses.read(self._host)
        return {name: now[name] - self._before[name] for name in WITNESSED}


class Witnesses:
    """Makes witnesses, and knows when a probe had its host to itself."""

    def __init__(self, network: Network, topology: Topology) -> None:
        self._network = network
        self._topology = topology
        self.begun: Counter[str] = Counter()

    def begin(self, host: str) -> None:
        """Note that a program is about to start on a host."""
        self.begun[host] += 1

    def of_probe(self, host: str, *, busy: bool) -> Witness:
        """A witness for a probe that is about to start; `busy` where other programs run."""
        self.begin(host)
        return Witness(self, host, self._topology.host(host).idle and not busy)

    def read(self, host: str) -> Mapping[str, int]:
        """The host's counters that witness, as they are now."""
        found = counters.named(self._network.read(host, "/proc/net/snmp"))
        return {name: found.get(name, 0) for name in WITNESSED}
