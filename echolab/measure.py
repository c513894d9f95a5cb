"""The proof of a run's own network: a baseline, and the kernel's counters at both ends."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from echolab import counters
from echolab.counters import Counters
from echolab.engines.contract import Network
from echolab.probe import Probe
from echolab.topology import Topology

SETTLE = 30.0
"""Lab seconds that packets still queued at the end are given to leave their link."""

PAUSE = 0.05
"""Lab seconds between two readings while waiting for that."""

SHOW = ("-s", "-j", "qdisc", "show", "dev", "eth0")
SHOW_FILTERS = ("-s", "-j", "filter", "show", "dev", "eth0", "egress")


@dataclasses.dataclass(frozen=True)
class Queue:
    """What `tc` told of a host's link at one moment, in packets.

    `found` is the kernel's own account of its queues, with their settings; `chosen` are
    the packets that died by number.
    """

    at: float
    argv: tuple[str, ...]
    found: Sequence[Mapping[str, Any]]
    carried: int
    dropped: int
    queued: int
    chosen: int

    @property
    def handed(self) -> int:
        """Packets that the queue took in."""
        return self.carried + self.dropped + self.queued


class Measurement:
    """Counts what every host's kernel sent, dropped and received from `begin` to `end`."""

    def __init__(self, network: Network, topology: Topology) -> None:
        self._network = network
        self._hosts = topology.names()
        self._queues: set[str] = set()
        self._filters: set[str] = set()
        self._retired: dict[str, tuple[int, int, int]] = {}
        self._handed = _Handed()
        self.baseline: list[Probe] = []
        self.before: dict[str, Counters] = {}
        self.after: dict[str, Counters] = {}
        self.queues: dict[str, Queue] = {}
        """The last that each shaped host's `tc` told."""

    def begin(self) -> None:
        """Count from here."""
        self.before = {host: self.counters(host) for host in self._hosts}

    def shaping(self, host: str) -> None:
        """Note that a host's queue is about to be made."""
        if host not in self._queues:
            self._handed.opening(host, self._without_queue(host).ip_out)

    def shaped(self, host: str, *, drops: bool) -> None:
        """Note that a host's link has a queue, and filters where it drops chosen packets."""
        if host not in self._queues:
            self._handed.opened(host, self._without_queue(host).ip_out)
        self._queues.add(host)
        if drops:
            self._filters.add(host)

    def retire(self, host: str, now: Queue, *, queue: bool) -> None:
        """Keep the counts of filters, and of a queue, that are about to be taken away."""
        old = self._retired.get(host, (0, 0, 0))
        self._filters.discard(host)
        if queue:
            old = (old[0] + now.carried, old[1] + now.dropped + now.queued, old[2])
            self._queues.discard(host)
            self._handed.closed(host, self._without_queue(host).ip_out)
        self._retired[host] = (old[0], old[1], old[2] + now.chosen)

    def counters(self, host: str) -> Counters:
        """The counters of a host as they are now."""
        queue = self.queue(host)
        count = self._without_queue(host)
        if queue is None:
            return count
        return dataclasses.replace(
            count,
            carried=count.carried + queue.carried,
            dropped=count.dropped + queue.dropped,
            queued=queue.queued,
            chosen=count.chosen + queue.chosen,
        )

    def _without_queue(self, host: str) -> Counters:
        """The counters of a host as they are now, but for those of the queue that it has."""
        read = self._network.read
        carried, dropped, chosen = self._retired.get(host, (0, 0, 0))
        count = counters.make(
            read(host, "/proc/net/snmp"),
            read(host, "/proc/net/netstat"),
            self._snmp6(host),
            read(host, "/proc/net/dev"),
            (carried, dropped, 0),
            chosen,
        )
        return dataclasses.replace(count, handed=self._handed.now(host, count.ip_out))

    def _snmp6(self, host: str) -> str:
        if self._network.addresses[host].ip6 is None:
            return ""
        return self._network.read(host, "/proc/net/snmp6")

    def queue(self, host: str) -> Queue | None:
        """What `tc` tells of a host's link now; None where it is not shaped."""
        if host not in self._queues:
            return None
        at = self._network.now()
        found = json.loads(self._network.tc(host, SHOW) or "[]")
        died = 0
        if host in self._filters:
            died = counters.chosen(json.loads(self._network.tc(host, SHOW_FILTERS) or "[]"))
        queue = Queue(at, ("tc", *SHOW), found, *counters.queue(found), died)
        self.queues[host] = queue
        return queue

    def end(self) -> None:
        """Wait until the hosts are quiet and the queues empty, then count for the last time.

        Strategy: quiet is a host whose counters stay as they are for a while; only then is
        `tc` asked, which costs more than reading files, whether something still waits.
        """
        deadline = self._network.now() + SETTLE
        last = self._quick()
        while True:
            self._network.sleep(PAUSE)
            now = self._quick()
            over = self._network.now() >= deadline
            if now == last or over:
                self.after = {host: self.counters(host) for host in self._hosts}
                if over or not any(count.queued for count in self.after.values()):
                    return
            last = now

    def _quick(self) -> dict[str, Counters]:
        return {host: self._without_queue(host) for host in self._hosts}

    def to_json(self) -> dict[str, Any]:
        """Both counts by host, as a record holds them."""
        return {
            when: {host: dataclasses.asdict(count) for host, count in counts.items()}
            for when, counts in (("before", self.before), ("after", self.after))
        }


class _Handed:
    """Packets that each host handed to its link while the link had a queue of ours.

    Unknown (None) where the host sent while its queue was being made, so that nobody can
    say on which side of it a packet fell.
    """

    def __init__(self) -> None:
        self._total: dict[str, int | None] = {}
        self._since: dict[str, int] = {}
        self._opening: dict[str, int] = {}

    def opening(self, host: str, ip_out: int) -> None:
        self._opening[host] = ip_out

    def opened(self, host: str, ip_out: int) -> None:
        if self._opening.get(host) != ip_out:
            self._total[host] = None
        self._since[host] = ip_out

    def closed(self, host: str, ip_out: int) -> None:
        self._total[host] = self.now(host, ip_out)
        self._since.pop(host, None)

    def now(self, host: str, ip_out: int) -> int | None:
        total = self._total.get(host, 0)
        if total is None or host not in self._since:
            return total
        return total + ip_out - self._since[host]
