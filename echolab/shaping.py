"""Links put on hosts by `tc`, read back, and taken away again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from echolab import link as links_of
from echolab.engines.contract import Network
from echolab.link import Link
from echolab.measure import Measurement, Queue
from echolab.record import Command


@dataclasses.dataclass(frozen=True)
class Stretch:
    """One stretch of time in which a host's links did not change, in lab seconds.

    `handed` and `dropped` are the packets that its queues took in and dropped meanwhile.
    """

    host: str
    links: tuple[Link, ...]
    began: float
    ended: float
    handed: int
    dropped: int


class Shaping:
    """The links that the hosts of one network have, and every command that made them."""

    def __init__(self, network: Network, measurement: Measurement) -> None:
        self._network = network
        self._measurement = measurement
        self._shaped: dict[str, tuple[Link, ...]] = {}
        self._since: dict[str, tuple[float, int, int]] = {}
        self.stretches: list[Stretch] = []
        self.commands: list[Command] = []
        self.warnings: list[str] = []

    def shape(self, host: str, links: tuple[Link, ...]) -> None:
        """Put links on a host in place of those it has. Raises BadInput as `render` does.

        Where the new links can take the old ones' place, the queues are changed as they
        stand, so that nothing queued is dropped.
        """
        addresses = {name: address.ip for name, address in self._network.addresses.items()}
        commands = links_of.render(links, addresses)
        drops = any(link.drop for link in links)
        self._take_away(host, keep=_in_place(self._shaped.get(host, ()), links))
        self._measurement.shaping(host)
        if drops:
            self._ensure_egress(host)
        for arguments in commands:
            self._tc(host, arguments)
        self._shaped[host] = links
        self._measurement.shaped(host, drops=drops)
        queue = self._read_back(host)
        self._since[host] = (queue.at, queue.handed, queue.dropped)
        for link in links:
            self.warnings += [f"{host}: {line}" for line in link.warnings()]

    def clear(self, host: str) -> None:
        """Take away what shapes a host; queued packets are dropped."""
        self._take_away(host, keep=False)

    def confirm(self) -> None:
        """Compare every link with what the last count told: nothing else may have changed it."""
        for host in self._shaped:
            self._confirm(host, self._measurement.queues[host])

    def _confirm(self, host: str, queue: Queue) -> None:
        self._compare(host, queue)
        began, handed, dropped = self._since[host]
        links = self._shaped[host]
        self.stretches.append(
            Stretch(host, links, began, queue.at, queue.handed - handed, queue.dropped - dropped)
        )

    def _take_away(self, host: str, *, keep: bool) -> None:
        if host not in self._shaped:
            return
        queue = self._measurement.queue(host)
        assert queue is not None
        self._confirm(host, queue)
        before = self._shaped.pop(host)
        self._measurement.retire(host, queue, queue=not keep)
        chosen = sum(len(link.drop) for link in before)
        for preference in range(links_of.DROP_PREFERENCE, links_of.DROP_PREFERENCE + chosen):
            self._tc(host, ("filter", "del", "dev", "eth0", "egress", "pref", str(preference)))
        if not keep:
            self._tc(host, ("qdisc", "del", "dev", "eth0", "root"))

    def _ensure_egress(self, host: str) -> None:
        found = json.loads(self._network.tc(host, ("-j", "qdisc", "show", "dev", "eth0")) or "[]")
        if not any(qdisc.get("kind") == "clsact" for qdisc in found):
            self._tc(host, ("qdisc", "add", "dev", "eth0", "clsact"))

    def _tc(self, host: str, arguments: Sequence[str]) -> None:
        at = self._network.now()
        self._network.tc(host, arguments)
        self.commands.append(Command(at, host, ("tc", *arguments)))

    def _read_back(self, host: str) -> Queue:
        queue = self._measurement.queue(host)
        assert queue is not None
        self._compare(host, queue)
        return queue

    def _compare(self, host: str, queue: Queue) -> None:
        """Keep what the kernel told of a host's links, and where that is not what was asked."""
        links = self._shaped[host]
        peers = [link.toward for link in links if link.toward]
        differs = _compare(links, links_of.read_back(queue.found, peers))
        self.commands.append(Command(queue.at, host, queue.argv, queue.found, differs))


def _in_place(before: Sequence[Link], after: Sequence[Link]) -> bool:
    """Whether netem can be told of the new links without being made anew.

    It can where they go the same ways and leave out nothing that the old ones had of what
    netem keeps unless told otherwise (net/sched/sch_netem.c, netem_change).
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


def _compare(asked: Sequence[Link], found: Sequence[Link]) -> tuple[str, ...]:
    wanted = {link.toward: link for link in asked}
    have = {link.toward: link for link in found}
    if None in have and None not in wanted and len(have) > 1:
        wanted[None] = Link()
    lines: list[str] = []
    for toward, link in wanted.items():
        if toward not in have:
            lines.append(f"the kernel has no link toward {toward or 'anyone'}")
        else:
            lines += links_of.differences(link, have[toward])
    return tuple(lines)
