"""Hosts that fail, and networks that fall apart: the faults of a run, each noted."""

from __future__ import annotations

from collections.abc import Sequence

from echolab.engines.contract import Network
from echolab.engines.lives import DEAD, ENDED, PAUSED, RUNNING, Lives
from echolab.errors import BadInput
from echolab.record import Fault
from echolab.scenario.kernel_counts import KernelCounts
from echolab.scenario.measurement import Measurement
from echolab.scenario.partition import Partition
from echolab.scenario.shaping import Shaping
from echolab.topology import Topology


class Faults:
    """The faults of one run; `faults` has them in the order in which they came."""

    def __init__(
        self,
        network: Network,
        topology: Topology,
        measurement: Measurement,
        shaping: Shaping,
        counts: KernelCounts,
    ) -> None:
        self._network = network
        self._topology = topology
        self._measurement = measurement
        self._shaping = shaping
        self._counts = counts
        self._partition = Partition(network, topology, measurement, shaping)
        self._lives = Lives()
        self.faults: list[Fault] = []
        for host in network.gone:
            self._lives.end(host, ENDED)
        network.watch(self._vanished, self._revived)

    def kill(self, host: str) -> None:
        """Take a host's power away."""
        self._topology.host(host)
        if self._lives.dead(host):
            return
        self._note("kill", host)
        self._lose_power(host)
        self._network.kill(host)

    def pause(self, host: str) -> None:
        """Stop the programs of a host."""
        self.check_alive(host)
        if self._lives.of(host) != PAUSED:
            self._note("pause", host)
            self._network.pause(host)
            self._lives.set(host, PAUSED)

    def resume(self, host: str) -> None:
        """Let the programs of a paused host go on."""
        self.check_alive(host)
        if self._lives.of(host) == PAUSED:
            self._network.resume(host)
            self._lives.set(host, RUNNING)
            self._note("resume", host)

    def restart(self, host: str) -> None:
        """Give a host its power back, its link shaped and cut off as before.

        Hosts that are alive and say so in `depends_on` (restart: true) are restarted after it.
        """
        self._restart(host)
        for other in self._followers(host):
            self._restart(other)

    def _followers(self, host: str) -> tuple[str, ...]:
        """The hosts that are restarted with another one, each after the one it follows."""
        found = [host]
        for name in found:
            found += [
                other.name
                for other in self._topology.hosts
                if other.name not in found
                and self._alive(other.name)
                and any(need.host == name and need.restart for need in other.needs)
            ]
        return tuple(found[1:])

    def _restart(self, host: str) -> None:
        self._topology.host(host)
        if not self._lives.dead(host):
            self._lose_power(host)

        def before_start() -> None:
            self._revived(host)
            self._note("restart", host)

        self._network.restart(host, before_start)

    def _vanished(self, host: str) -> None:
        """A host has ended with its service."""
        self._counts.begin(host)
        self._shaping.vanished(host)
        self._measurement.vanished(host)
        self._partition.died(host)
        self._lives.end(host, ENDED)

    def _revived(self, host: str) -> None:
        """A host has a new kernel, and its programs are about to start."""
        self._lives.set(host, RUNNING)
        self._measurement.revived(host)
        self._shaping.revived(host)
        self._partition.revived(host)

    def partition(self, groups: Sequence[Sequence[str]]) -> None:
        """Cut groups of hosts off from one another; an earlier cut is healed first."""
        made = self._groups(groups)
        at = self._network.now()
        self._partition.cut(made, [host for host in self._topology.names() if self._alive(host)])
        named = tuple(name for group in made for name in group)
        self.faults.append(Fault(at, "partition", named, made))

    def heal(self) -> None:
        """Remove the cut."""
        if self._partition.groups:
            self._partition.heal([host for host in self._topology.names() if self._alive(host)])
            self.faults.append(Fault(self._network.now(), "heal"))

    def dead(self, host: str) -> bool:
        """Whether a host is dead."""
        return self._lives.dead(host)

    def life(self, host: str) -> str:
        """What a host is: "running", "paused" or "dead"."""
        return self._lives.of(host)

    def check_alive(self, host: str) -> None:
        """Raise BadInput for a dead host, or one that the topology lacks."""
        self._topology.host(host)
        self._lives.check_alive(host)

    def _alive(self, host: str) -> bool:
        return not self._lives.dead(host)

    def _lose_power(self, host: str) -> None:
        """Save the counts of a host's kernel, which it is about to lose."""
        self._counts.begin(host)  # from now on the host's counts are not the probe's alone
        self._shaping.died(host)
        self._measurement.died(host)
        self._partition.died(host)
        self._lives.set(host, DEAD)

    def _note(self, kind: str, host: str) -> None:
        self.faults.append(Fault(self._network.now(), kind, (host,)))

    def _groups(self, given: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        groups = [(one,) if isinstance(one, str) else tuple(one) for one in given]
        named = [self._topology.host(name).name for group in groups for name in group]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise BadInput(f"partition: {twice} is in two groups", "name each host once")
        if len(groups) == 1:
            groups.append(tuple(name for name in self._topology.names() if name not in named))
        groups = [group for group in groups if group]
        if len(groups) < 2:
            raise BadInput(
                "partition: there are no two groups of hosts", 'write partition(("a", "b"), ("c",))'
            )
        return tuple(groups)
