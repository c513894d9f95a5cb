"""A second account of each probe: what the kernel of its host counted while it ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from echolab.engines.contract import Network
from echolab.record.probe import COUNTED
from echolab.scenario import counters
from echolab.topology import Topology


class KernelCount:
    """Counts from its creation; `since` returns what was counted since then."""

    def __init__(self, counts: KernelCounts, host: str, alone: bool) -> None:
        self._kernel_counts = counts
        self._host = host
        self._number = counts.begun[host]
        self._before = counts.read(host) if alone else None

    def since(self) -> Mapping[str, int]:
        """What was counted by name; empty if another program ran on the host meanwhile."""
        if self._before is None or self._kernel_counts.begun[self._host] != self._number:
            return {}
        now = self._kernel_counts.read(self._host)
        return {name: now[name] - self._before[name] for name in COUNTED}


class KernelCounts:
    """Makes the counts of probes, and knows when a probe had its host to itself."""

    def __init__(self, network: Network, topology: Topology) -> None:
        self._network = network
        self._topology = topology
        self.begun: Counter[str] = Counter()

    def begin(self, host: str) -> None:
        """Note that a program is about to start on a host."""
        self.begun[host] += 1

    def of_probe(self, host: str, *, busy: bool) -> KernelCount:
        """The count for a probe that is about to start; `busy` if other programs run."""
        self.begin(host)
        return KernelCount(self, host, self._topology.host(host).idle and not busy)

    def read(self, host: str) -> Mapping[str, int]:
        """The host's counters (`COUNTED`) as they are now."""
        found = counters.named(self._network.read(host, "/proc/net/snmp"))
        return {name: found.get(name, 0) for name in COUNTED}
