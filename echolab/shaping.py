"""Links put on hosts by `tc`, read back, and taken away again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from echolab import link as links_of
from echolab.engines.contract import Network
from echolab.link import Link
from echolab.measure import Measurement
from echolab.record import Command


class Shaping:
    """The links that the hosts of one network have, and every command that made them."""

    def __init__(self, network: Network, measurement: Measurement) -> None:
        self._network = network
        self._measurement = measurement
        self._shaped: dict[str, tuple[Link, ...]] = {}
        self.commands: list[Command] = []
        self.warnings: list[str] = []

    def shape(self, host: str, links: tuple[Link, ...]) -> None:
        """Put links on a host in place of those it has. Raises BadInput as `render` does.

        Where the new links go the same ways as the old ones, the queues are changed in
        place, so that nothing queued is dropped.
        """
        addresses = {name: address.ip for name, address in self._network.addresses.items()}
        commands = links_of.render(links, addresses)
        drops = any(link.drop for link in links)
        self._take_away(host, keep=_same_ways(self._shaped.get(host, ()), links))
        self._measurement.shaping(host)
        if drops:
            self._ensure_egress(host)
        for arguments in commands:
            self._tc(host, arguments)
        self._shaped[host] = links
        self._measurement.shaped(host, drops=drops)
        self._read_back(host, links)
        for link in links:
            self.warnings += [f"{host}: {line}" for line in link.warnings()]

    def clear(self, host: str) -> None:
        """Take away what shapes a host; queued packets are dropped."""
        self._take_away(host, keep=False)

    def _take_away(self, host: str, *, keep: bool) -> None:
        before = self._shaped.pop(host, ())
        if not before:
            return
        self._measurement.retire(host, queue=not keep)
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

    def _read_back(self, host: str, links: Sequence[Link]) -> None:
        arguments = ("-j", "qdisc", "show", "dev", "eth0")
        at = self._network.now()
        found = json.loads(self._network.tc(host, arguments) or "[]")
        peers = [link.toward for link in links if link.toward]
        differs = _compare(links, links_of.read_back(found, peers))
        self.commands.append(Command(at, host, ("tc", *arguments), found, differs))


def _same_ways(before: Sequence[Link], after: Sequence[Link]) -> bool:
    return bool(before) and [link.toward for link in before] == [link.toward for link in after]


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
