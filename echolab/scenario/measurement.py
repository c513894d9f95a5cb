"""The proof of a run's own network: a baseline, and the kernel's counters before and after."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from echolab.engines.contract import Network
from echolab.record import Counters, Json, Probe, Readings
from echolab.record.format import load
from echolab.scenario import counters
from echolab.tc import Filter, Qdisc, cut_off, dropped_by_number, filters, qdiscs
from echolab.topology import Topology

SETTLE = 30.0
"""Lab seconds within which packets still queued at the end may leave their link."""

PAUSE = 0.05
"""Lab seconds between two readings while waiting for that."""

SHOW = ("-s", "-j", "qdisc", "show", "dev")
SHOW_BANDS = ("filter", "show", "dev")
SHOW_DROPS = ("-s", "-j", "filter", "show", "dev")
SHOW_CUT = ("-s", "-j", "actions", "list", "action", "gact")

Way = tuple[str, str]
"""A host, and the name of one of its devices."""


@dataclasses.dataclass(frozen=True)
class Queue:
    """What `tc` reported about a host's link at one moment, in packets.

    `printed` is the JSON that it printed, `qdiscs` its meaning; `filters` lead packets to the
    queue's bands; `chosen` are the packets that were dropped by number.
    """

    at: float
    argv: tuple[str, ...]
    printed: Json
    qdiscs: Sequence[Qdisc]
    carried: int
    dropped: int
    queued: int
    chosen: int
    filters: Sequence[Filter] = ()

    @property
    def handed(self) -> int:
        """Packets that the queue took in."""
        return self.carried + self.dropped + self.queued


class Measurement:
    """Counts what every host's kernel sent, dropped and received from `begin` to `end`."""

    def __init__(self, network: Network, topology: Topology) -> None:
        self._network = network
        self._hosts = tuple(host for host in topology.owners() if host not in network.gone)
        self._devices = {
            host: tuple(one.device for one in network.interfaces[host]) for host in topology.names()
        }
        self._queues: set[Way] = set()
        self._filters: set[Way] = set()
        self._forks: dict[Way, tuple[str, ...]] = {}
        self._retired: dict[str, tuple[int, int, int]] = {}
        self._handed = _Handed()
        self._framed = _Framed()
        self._cut: set[str] = set()
        self._past: dict[str, Counters] = {}
        self._dead: set[str] = set()
        self.baseline: list[Probe] = []
        self.before: dict[str, Counters] = {}
        self.after: dict[str, Counters] = {}
        self.queues: dict[Way, Queue] = {}
        """The last report of `tc` on each shaped device."""

    def begin(self) -> None:
        """Count from here."""
        self.before = {host: self.counters(host) for host in self._hosts}

    def shaping(self, way: Way) -> None:
        """Note that a device's queue is about to be made."""
        if way not in self._queues:
            count, passed = self._read(way[0])
            self._handed.opening(way[0], count.ip_out, passed)
            self._framed.stop(way[0], count.framed)

    def shaped(self, way: Way, *, drops: bool, forks: tuple[str, ...]) -> None:
        """Note that a device has a queue, which may have bands that filters choose, and filters if
        it drops chosen packets. `forks` are the handles of queues with bands.
        """
        if way not in self._queues:
            count, passed = self._read(way[0], but=way[1])
            self._handed.opened(way[0], count.ip_out, passed)
            self._framed.start(way[0], count.framed)
        self._queues.add(way)
        if drops:
            self._filters.add(way)
        self._forks[way] = forks

    def retire(self, way: Way, now: Queue, *, queue: bool) -> None:
        """Keep the counts of filters, and of a queue, that are about to be removed."""
        host, _ = way
        old = self._retired.get(host, (0, 0, 0))
        self._filters.discard(way)
        if queue:
            old = (old[0] + now.carried, old[1] + now.dropped + now.queued, old[2])
            count, passed = self._read(host)
            self._queues.discard(way)
            shaped = any(name == host for name, _ in self._queues)
            others, left = self._read(host) if shaped else (count, None)
            self._handed.closed(host, count.ip_out, passed, left)
            self._framed.stop(host, count.framed)
            if shaped:
                self._framed.start(host, others.framed)
        self._retired[host] = (old[0], old[1], old[2] + now.chosen)

    def cutting(self, host: str) -> None:
        """Note that a host has the action that drops what a partition cuts off."""
        self._cut.add(host)

    def died(self, host: str) -> None:
        """Save what a host's kernel has counted, which it is about to lose.

        Packets in its queues die with it. Nobody counts what it does until then, so that it is not
        known how much it handed to its links.
        """
        if host not in self._hosts:
            return  # its network is another host's, which goes on
        last = self.counters(host)
        shaped = {way for way in self._queues if way[0] == host}
        self._past[host] = dataclasses.replace(
            last,
            dropped=last.dropped + last.queued,
            queued=0,
            handed=None if shaped else last.handed,
        )
        self._dead.add(host)
        self._forget(host)
        self._retired.pop(host, None)

    def _forget(self, host: str) -> None:
        """Forget the queues and filters of a host, which go with its kernel."""
        shaped = {way for way in self._queues if way[0] == host}
        self._queues -= shaped
        self._filters -= shaped
        self._cut.discard(host)
        self._handed.forget(host)
        self._framed.forget(host)

    def vanished(self, host: str) -> None:
        """A host's devices and queues are already gone: nobody knows their counts."""
        if host not in self._hosts:
            return
        self._forget(host)
        count = self._without_queue(host)
        count = counters.total(self._past[host], count) if host in self._past else count
        self._past[host] = dataclasses.replace(count, handed=None, framed=None)
        self._retired.pop(host, None)
        self._dead.add(host)

    def revived(self, host: str) -> None:
        """Continue with the counters of a host's new kernel."""
        self._dead.discard(host)

    def counters(self, host: str) -> Counters:
        """The counters of a host as they are now, over all its lives."""
        if host in self._dead:
            return self._past[host]
        queues = [self.queue((host, device)) for device in self._devices[host]]
        count = self._without_queue(host)
        for queue in queues:
            if queue is not None:
                count = dataclasses.replace(
                    count,
                    carried=count.carried + queue.carried,
                    dropped=count.dropped + queue.dropped,
                    queued=count.queued + queue.queued,
                    chosen=count.chosen + queue.chosen,
                )
        return counters.total(self._past[host], count) if host in self._past else count

    def _without_queue(self, host: str) -> Counters:
        """The counters of a host as they are now, without those of its present queues."""
        count, passed = self._read(host)
        return dataclasses.replace(
            count,
            handed=self._handed.now(host, count.ip_out, passed),
            framed=self._framed.now(host, count.framed),
        )

    def _read(self, host: str, but: str = "") -> tuple[Counters, int]:
        """The counters of a host, and how many packets its devices without a queue sent.

        The device `but` counts as one with a queue. `framed` is what devices with one were ever
        handed.
        """
        read = self._network.read
        carried, dropped, chosen = self._retired.get(host, (0, 0, 0))
        if host in self._cut:
            chosen += cut_off(self._network.tc(host, SHOW_CUT))
        devices = read(host, "/proc/net/dev")
        count = counters.make(
            read(host, "/proc/net/snmp"),
            read(host, "/proc/net/netstat"),
            self._snmp6(host),
            devices,
            (carried, dropped, 0),
            chosen,
            self._devices[host],
        )
        passed = sum(
            counters.device(devices, device)[1]
            for device in self._devices[host]
            if (host, device) not in self._queues and device != but
        )
        framed = [
            counters.framed(devices, number)
            for number, device in enumerate(self._devices[host])
            if (host, device) in self._queues or device == but
        ]
        known = [one for one in framed if one is not None]
        return dataclasses.replace(
            count, framed=sum(known) if len(known) == len(framed) else None
        ), passed

    def _snmp6(self, host: str) -> str:
        if not any(one.address.ip6 for one in self._network.interfaces[host]):
            return ""
        return self._network.read(host, "/proc/net/snmp6")

    def queue(self, way: Way) -> Queue | None:
        """What `tc` reports about a device now; None if it is not shaped."""
        if way not in self._queues:
            return None
        host, device = way
        at = self._network.now()
        argv = (*SHOW, device)
        text = self._network.tc(host, argv) or "[]"
        found = qdiscs(text)
        chosen = 0
        if way in self._filters:
            chosen = dropped_by_number(self._network.tc(host, (*SHOW_DROPS, device, "egress")))
        printed = load(text, "what tc printed")
        led = [
            one
            for fork in self._forks.get(way, ())
            for one in filters(self._network.tc(host, (*SHOW_BANDS, device, "parent", fork)), fork)
        ]
        queue = Queue(at, ("tc", *argv), printed, found, *counters.queue(found), chosen, led)
        self.queues[way] = queue
        return queue

    def end(self) -> None:
        """Wait until the hosts are quiet and the queues empty, then count for the last time.

        Strategy: a host is quiet if its counters stay the same for a while; only then is `tc` asked
        whether something still waits, since that costs more than reading files. Queues and files
        are read one after another: what a host sends in between would count as handed to a link
        that never had it. So the hosts must have been quiet until the last was read.
        """
        deadline = self._network.now() + SETTLE
        last = self._quick()
        while True:
            self._network.sleep(PAUSE)
            now, at = self._quick(), self._network.now()
            over = at >= deadline
            if now == last or over:
                self.after = {host: self.counters(host) for host in self._hosts}
                quiet = self._network.now() == at or self._quick() == now
                if over or (quiet and not any(count.queued for count in self.after.values())):
                    return
            last = now

    def _quick(self) -> dict[str, Counters]:
        return {host: self._without_queue(host) for host in self._hosts if host not in self._dead}

    def readings(self) -> Readings:
        """Both counts of every host."""
        return Readings(self.before, self.after)


class _Handed:
    """Packets that each host handed to its links while they had queues of ours.

    They are those that the host sent, minus those that `passed` by devices without a queue. Unknown
    (None) if the host sent while a queue was being made, so that nobody can say on which side of it
    a packet fell.
    """

    def __init__(self) -> None:
        self._total: dict[str, int | None] = {}
        self._since: dict[str, int] = {}
        self._opening: dict[str, int] = {}

    def opening(self, host: str, ip_out: int, passed: int) -> None:
        self._opening[host] = ip_out
        self._total[host] = self.now(host, ip_out, passed)
        self._since.pop(host, None)

    def opened(self, host: str, ip_out: int, passed: int) -> None:
        if self._opening.get(host) != ip_out:
            self._total[host] = None
        self._since[host] = ip_out - passed

    def closed(self, host: str, ip_out: int, passed: int, left: int | None) -> None:
        """`left` passes devices without a queue from now on; None if nothing has a queue."""
        self._total[host] = self.now(host, ip_out, passed)
        self._since.pop(host, None)
        if left is not None:
            self._since[host] = ip_out - left

    def forget(self, host: str) -> None:
        """A new kernel counts from 0."""
        for known in (self._total, self._since, self._opening):
            known.pop(host, None)

    def now(self, host: str, ip_out: int, passed: int) -> int | None:
        total = self._total.get(host, 0)
        if total is None or host not in self._since:
            return total
        return total + ip_out - passed - self._since[host]


class _Framed:
    """Frames that each host handed to its links while they had queues; None if not known."""

    def __init__(self) -> None:
        self._total: dict[str, int | None] = {}
        self._since: dict[str, int] = {}

    def start(self, host: str, framed: int | None) -> None:
        if framed is None:
            self._total[host] = None
        else:
            self._since[host] = framed

    def stop(self, host: str, framed: int | None) -> None:
        self._total[host] = self.now(host, framed)
        self._since.pop(host, None)

    def forget(self, host: str) -> None:
        """A new kernel counts from 0."""
        for known in (self._total, self._since):
            known.pop(host, None)

    def now(self, host: str, framed: int | None) -> int | None:
        total = self._total.get(host, 0)
        if total is None or host not in self._since:
            return total
        return None if framed is None else total + framed - self._since[host]
