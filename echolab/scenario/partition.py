"""A network in parts: each host drops what it would send to a host of another part.

Strategy: filters on the device's egress hook, before its queue, drop by destination. So the links
stay as they are, and the cut also covers existing connections, both versions of IP, and paths
across routers. Packets that have already left a host arrive. All filters of a host share one
action, which outlives them: its count is complete whenever a cut is healed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from echolab import traffic
from echolab.engines.contract import Network
from echolab.scenario.measurement import Measurement
from echolab.scenario.shaping import Shaping
from echolab.topology import Topology

Groups = tuple[tuple[str, ...], ...]


class Partition:
    """The parts that the hosts of one network are in; `groups` is empty if it is whole."""

    def __init__(
        self, network: Network, topology: Topology, measurement: Measurement, shaping: Shaping
    ) -> None:
        self.groups: Groups = ()
        self._network = network
        self._topology = topology
        self._measurement = measurement
        self._shaping = shaping
        self._prepared: set[str] = set()

    def cut(self, groups: Groups, alive: Iterable[str]) -> None:
        """Put the hosts in these parts, and heal an earlier partition."""
        before, self.groups = self.groups, groups
        for host in alive:
            old, new = set(_others(before, host)), set(_others(groups, host))
            self._close(host, new - old)
            self._open(host, old - new)

    def heal(self, alive: Iterable[str]) -> None:
        """Rejoin all hosts."""
        self.cut((), alive)

    def died(self, host: str) -> None:
        """A host's kernel has lost what was set up there."""
        self._prepared.discard(host)

    def revived(self, host: str) -> None:
        """Cut a host off as before, with its new kernel."""
        self._close(host, set(_others(self.groups, host)))

    def _close(self, host: str, others: Set[str]) -> None:
        if not others:
            return
        self._prepare(host)
        for number, address in self._addresses(others):
            for device in self._devices(host):
                self._shaping.tc(host, traffic.cut(address, number, device))

    def _open(self, host: str, others: Set[str]) -> None:
        for number, _ in self._addresses(others):
            for device in self._devices(host):
                self._shaping.tc(host, traffic.uncut(number, device))

    def _prepare(self, host: str) -> None:
        """Give a host the action that drops, and the queue that counts its packets."""
        if host in self._prepared:
            return
        self._prepared.add(host)
        self._shaping.keep_queues(host)
        self._shaping.tc(host, traffic.CUT_ACTION)
        self._measurement.cutting(host)

    def _addresses(self, hosts: Set[str]) -> Iterator[tuple[int, str]]:
        """The addresses of some hosts, each with its number among those of all."""
        number = 0
        for host in self._topology.names():
            for one in self._network.interfaces[host]:
                for ip in one.address.all():
                    number += 1
                    if host in hosts:
                        yield number, ip

    def _devices(self, host: str) -> Sequence[str]:
        return [one.device for one in self._network.interfaces[host]]


def _others(groups: Groups, host: str) -> tuple[str, ...]:
    """The hosts that a host cannot reach."""
    if not any(host in group for group in groups):
        return ()
    return tuple(name for group in groups if host not in group for name in group)
