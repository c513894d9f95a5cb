"""Links that `tc` puts on hosts, reads back, and removes again."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from echolab import traffic
from echolab.engines.contract import Interface, Network
from echolab.errors import BadInput
from echolab.link import Link
from echolab.record import Stretch, TcCommand
from echolab.scenario.measurement import Measurement, Queue, Way
from echolab.tc import qdiscs
from echolab.topology import Topology

UNSEEDED = "the links draw by chance without a seed: that takes Linux and iproute2 6.6 or newer"


@dataclasses.dataclass
class _Shaped:
    """What one device of a host has: its links, how they are arranged, and since when."""

    network: str
    links: tuple[Link, ...]
    layout: traffic.Layout
    dropping: tuple[str, ...]
    since: tuple[float, int, int] = (0.0, 0, 0)


class Shaping:
    """The links that the hosts' devices have, and every command that made them."""

    def __init__(
        self, network: Network, topology: Topology, measurement: Measurement, seed: int = 0
    ) -> None:
        self._network = network
        self._topology = topology
        self._seed = seed
        self._shapings: Counter[Way] = Counter()
        self._measurement = measurement
        self._shaped: dict[Way, _Shaped] = {}
        self._addresses = _addresses(network, topology)
        self._lost: dict[Way, _Shaped] = {}
        self._cut: set[str] = set()
        self.stretches: list[Stretch] = []
        self.commands: list[TcCommand] = []
        self.warnings: list[str] = []

    def shape(self, host: str, links: tuple[Link, ...], network: str | None = None) -> None:
        """Put links on a host's device on a network, or on all, replacing those it has.

        Raises BadInput as `render` does, and if the host has no such device.

        If the new links can take the old ones' place, the queues are changed as they stand, so that
        nothing queued is dropped.
        """
        for one in self._interfaces(host, network):
            self._shape(host, one, links)
        if not self._network.seeds_links and UNSEEDED not in self.warnings:
            self.warnings.append(UNSEEDED)
        for link in links:
            self.warnings += [f"{host}: {line}" for line in link.warnings()]

    def _interfaces(self, host: str, network: str | None) -> Sequence[Interface]:
        """A host's devices, or the one on a network. Raises BadInput if there is none."""
        shares = self._topology.host(host).shares
        if shares:
            raise BadInput(f"{host} has no links: it shares those of {shares}", f"shape {shares}")
        found = self._network.interfaces[host]
        if network is not None:
            self._topology.network(network)
            found = tuple(one for one in found if one.network == network)
        if not found:
            where = f"network {network}" if network else "any network"
            raise BadInput(f"{host} has no link: it is not on {where}", "see the Compose file")
        return found

    def _shape(self, host: str, interface: Interface, links: tuple[Link, ...]) -> None:
        way, device = (host, interface.device), interface.device
        addresses = self._addresses
        layout = traffic.layout(links, addresses)
        seeds = self._seeds(host, interface) if self._network.seeds_links else None
        commands = traffic.render(links, addresses, device, seeds)
        drops = any(link.drop for link in links)
        before = self._shaped[way].links if way in self._shaped else ()
        self._take_away(way, keep=_in_place(before, links))
        if not before and self._network.link_by == "appliance":
            # It boots at the first command; packets sent meanwhile are before the link.
            self._network.tc(host, ("qdisc", "show", "dev", device))
        self._measurement.shaping(way)
        if drops:
            self.ensure_egress(way)
        for arguments in commands:
            self.tc(host, arguments)
        dropping = traffic.drop_preferences(commands)
        self._shaped[way] = _Shaped(interface.network, links, layout, dropping)
        forks = tuple(fork.handle for fork in layout.forks)
        self._measurement.shaped(way, drops=drops, forks=forks)
        queue = self._queue(way)
        self._compare(way, queue)
        self._shaped[way].since = (queue.at, queue.handed, queue.dropped)

    def _seeds(self, host: str, interface: Interface) -> traffic.Seeds:
        """New seeds for a device's links, different from the last ones."""
        self._shapings[host, interface.network] += 1
        number = self._shapings[host, interface.network]
        return lambda toward: traffic.seed_of(self._seed, host, interface.network, number, toward)

    def clear(self, host: str, network: str | None = None) -> None:
        """Remove what shapes a host; queued packets are dropped."""
        for one in self._interfaces(host, network):
            if host in self._cut:
                self._shape(host, one, (Link(),))
            else:
                self._take_away((host, one.device), keep=False)

    def keep_queues(self, host: str) -> None:
        """Make sure that from now on a host's devices have queues, which count its packets."""
        self._cut.add(host)
        for one in self._network.interfaces[host]:
            if (host, one.device) not in self._shaped:
                self._shape(host, one, (Link(),))
            self.ensure_egress((host, one.device))

    def died(self, host: str) -> None:
        """A host's links are about to go with its kernel."""
        for way in [way for way in self._shaped if way[0] == host]:
            self._confirm(way, self._queue(way))
            self._lost[way] = self._shaped.pop(way)

    def vanished(self, host: str) -> None:
        """A host's links are gone already with its kernel."""
        for way in [way for way in self._shaped if way[0] == host]:
            self._lost[way] = self._shaped.pop(way)

    def revived(self, host: str) -> None:
        """Shape a host as it was before it died."""
        for one in self._network.interfaces[host]:
            lost = self._lost.pop((host, one.device), None)
            if lost is not None:
                self._shape(host, one, lost.links)

    def confirm(self) -> None:
        """Compare every link with the last count: nothing else may have changed it."""
        for way in self._shaped:
            self._confirm(way, self._measurement.queues[way])

    def _confirm(self, way: Way, queue: Queue) -> None:
        self._compare(way, queue)
        shaped = self._shaped[way]
        began, handed, dropped = shaped.since
        self.stretches.append(
            Stretch(
                way[0],
                shaped.links,
                began,
                queue.at,
                queue.handed - handed,
                queue.dropped - dropped,
                shaped.network,
            )
        )

    def _take_away(self, way: Way, *, keep: bool) -> None:
        if way not in self._shaped:
            return
        host, device = way
        queue = self._queue(way)
        self._confirm(way, queue)
        shaped = self._shaped.pop(way)
        self._measurement.retire(way, queue, queue=not keep)
        for preference in shaped.dropping:
            self.tc(host, ("filter", "del", "dev", device, "egress", "pref", preference))
        if not keep:
            self.tc(host, ("qdisc", "del", "dev", device, "root"))

    def ensure_egress(self, way: Way) -> None:
        """Make sure that a device has an egress hook."""
        host, device = way
        found = qdiscs(self._network.tc(host, ("-j", "qdisc", "show", "dev", device)))
        if not any(qdisc.kind == "clsact" for qdisc in found):
            self.tc(host, ("qdisc", "add", "dev", device, "clsact"))

    def tc(self, host: str, arguments: Sequence[str]) -> None:
        """Run a tc command on a host, and keep it for the record."""
        at = self._network.now()
        self._network.tc(host, arguments)
        self.commands.append(TcCommand(at, host, ("tc", *arguments)))

    def _queue(self, way: Way) -> Queue:
        queue = self._measurement.queue(way)
        assert queue is not None
        return queue

    def _compare(self, way: Way, queue: Queue) -> None:
        """Keep the kernel's report on a device's links, and how it differs from the request."""
        differs = traffic.compare(self._shaped[way].layout, queue.qdiscs, queue.filters)
        self.commands.append(TcCommand(queue.at, way[0], queue.argv, queue.printed, differs))


def _addresses(network: Network, topology: Topology) -> traffic.Addresses:
    """All addresses of each host; none for a host that shares another host's."""
    return {
        host.name: ()
        if host.shares
        else tuple(ip for one in network.interfaces[host.name] for ip in one.address.all())
        for host in topology.hosts
    }


def _in_place(before: Sequence[Link], after: Sequence[Link]) -> bool:
    """Whether netem can switch to the new links without being made anew.

    It can if they lead the same ways and keep every option of the old ones that netem keeps unless
    told otherwise (net/sched/sch_netem.c, netem_change).
    """
    if not before or [link.toward for link in before] != [link.toward for link in after]:
        return False
    return not any(
        (old.rate and not new.rate)
        or (old.corrupt and not new.corrupt)
        or (old.reorder and not new.reorder)
        or (old.distribution != new.distribution)
        for old, new in zip(before, after, strict=True)
    )
