"""A schedule of faults, performed while clients work: each fault begins and ends.

Strategy: the end of a fault is a moment of the schedule like its beginning. The effects of several
faults on one host's link add up, on top of the link that the scenario has given it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from echolab.link import Link
from echolab.schedule import AMOUNTS, PlannedFault, Schedule


class Hosts(Protocol):
    """What can happen to hosts (see `echolab.scenario.lab.Lab`)."""

    def now(self) -> float: ...
    def kill(self, host: str) -> None: ...
    def pause(self, host: str) -> None: ...
    def resume(self, host: str) -> None: ...
    def restart(self, host: str) -> None: ...
    def partition(self, *groups: str | Sequence[str]) -> None: ...
    def heal(self) -> None: ...


class Disturbance:
    """The faults of a schedule, from the moment `began` on.

    `dead` says whether a host is dead; `reshape` gives a host its links without faults, each
    changed by a function, or undoes that change. A partition cuts its hosts off from all others, or
    from the others of `apart`.
    """

    def __init__(
        self,
        hosts: Hosts,
        schedule: Schedule,
        dead: Callable[[str], bool],
        reshape: Callable[[str, Callable[[Link], Link] | None], None],
        apart: Sequence[str] = (),
    ) -> None:
        self._hosts = hosts
        self._dead = dead
        self._reshape = reshape
        self._apart = tuple(apart)
        self._began = hosts.now()
        self._under_way: list[PlannedFault] = []
        moments = [(one.at, 1, one) for one in schedule] + [(one.ends, 0, one) for one in schedule]
        self._moments = sorted(moments, key=lambda moment: moment[:2])

    def next(self) -> float | None:
        """The lab second of the next thing to do; None if everything is done."""
        return self._began + self._moments[0][0] if self._moments else None

    def act(self) -> None:
        """Do what is due now."""
        while self._moments and self._began + self._moments[0][0] <= self._hosts.now():
            _, begins, fault = self._moments.pop(0)
            if begins:
                self._begin(fault)
            elif fault in self._under_way:
                self._end(fault)

    def end(self) -> None:
        """End the faults under way, and begin no more."""
        self._moments.clear()
        for fault in tuple(self._under_way):
            self._end(fault)

    def _begin(self, fault: PlannedFault) -> None:
        self._under_way.append(fault)
        if fault.kind == "partition":
            self._cut(fault)
        elif self._dead(fault.hosts[0]):
            self._under_way.remove(fault)  # a dead host neither dies nor pauses, and sends nothing
        elif fault.kind == "kill":
            self._hosts.kill(fault.hosts[0])
        elif fault.kind == "pause":
            self._hosts.pause(fault.hosts[0])
        else:
            self._link(fault.hosts[0])

    def _end(self, fault: PlannedFault) -> None:
        self._under_way.remove(fault)
        host = fault.hosts[0]
        others = [one for one in self._under_way if one.kind == fault.kind]
        same = [one for one in others if one.hosts == fault.hosts]
        if fault.kind == "partition":
            if others:
                self._cut(others[-1])
            else:
                self._hosts.heal()
        elif fault.kind == "kill":
            self._hosts.restart(host)
            self._link(host)
        elif not self._dead(host):
            if fault.kind in AMOUNTS:
                self._link(host)
            elif not same:
                self._hosts.resume(host)

    def _cut(self, fault: PlannedFault) -> None:
        others = tuple(name for name in self._apart if name not in fault.hosts)
        self._hosts.partition(*((fault.hosts, others) if others else (fault.hosts,)))

    def _link(self, host: str) -> None:
        """Apply the faults under way to a host's own link."""
        changes = [one for one in self._under_way if one.kind in AMOUNTS and one.hosts == (host,)]

        def changed(link: Link) -> Link:
            for one in changes:
                link = one.on(link)
            return link

        self._reshape(host, changed if changes else None)
