"""What every host counted, read when nothing is under way any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from echolab.engines.contract import Address, Interface, Network
from echolab.scenario.measurement import Measurement
from echolab.topology import Host, Topology

WAY = ("client", "eth0")


class OneShapedHost:
    """A host with a queue. It sends another packet as soon as `tc` has answered `again` times."""

    gone: frozenset[str] = frozenset()

    def __init__(self) -> None:
        address = Address("10.0.0.2", "02:00:00:00:00:02")
        self.interfaces = {"client": (Interface("lab", "eth0", address),)}
        self.sent = 0
        self.again = 0
        self._now = 0.0

    def now(self) -> float:
        """Reading costs time, as on containers."""
        self._now += 0.001
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    def read(self, _host: str, path: str) -> str:
        if path.endswith("/snmp"):
            return f"Ip: OutTransmits InReceives\nIp: {self.sent} 0\n"
        return f"eth0: 0 0 0 0 0 0 0 0 0 {self.sent}\n" if path.endswith("/dev") else ""

    def tc(self, _host: str, _arguments: Sequence[str]) -> str:
        counts = {"packets": self.sent, "drops": 0, "qlen": 0}
        if self.again:
            self.again -= 1
            self.sent += 1
        return json.dumps([{"kind": "netem", "handle": "1:", "options": {"limit": 1000}, **counts}])


def test_a_packet_sent_between_two_readings_is_in_both_or_in_neither() -> None:
    """TCP sends a segment again when it likes: also once the queue has been read, and the files
    have not."""
    network = OneShapedHost()
    measured = Measurement(cast(Network, network), Topology((Host("client"),)))
    measured.begin()
    measured.shaping(WAY)
    measured.shaped(WAY, drops=False, forks=())
    network.sent, network.again = 744, 2
    measured.end()
    last = measured.after["client"]
    assert (last.handed, last.carried) == (746, 746)
