"""The start of a lab's containers: each starts when the conditions that it waits for are met."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import time
from typing import Protocol

from echolab.engines import programs
from echolab.engines.docker.health import HostEnded, HostStart
from echolab.engines.docker.watch import Watch
from echolab.engines.services import (
    HEALTHY,
    LONGEST_RUN,
    STARTING,
    ServiceState,
    check_tested,
    not_healthy,
    waiting,
)
from echolab.errors import CannotRun
from echolab.topology import Host, Topology

WORKERS = 8
"""How many hosts are started at once."""

LOOK = 0.05
"""Seconds between two checks which hosts may start now."""

MOST_STARTS = 5
"""How often a service that ends is started again before the lab stops waiting for it: as often as
the pauses allow within the 5 s that other engines wait."""


class Surroundings(Protocol):
    """What the start of hosts needs of their network."""

    @property
    def topology(self) -> Topology: ...

    @property
    def notes(self) -> Watch: ...

    def begin(self, host: str) -> HostStart: ...

    def await_serving(self, host: str, start: HostStart) -> None: ...

    def start_link(self, host: str) -> None: ...

    def end(self, host: str) -> None:
        """Release the link of a host that has ended."""

    def tested(self, host: str) -> bool:
        """Whether the daemon tests the health of a host."""


class Opening:
    """The start of all hosts of a network; `run` returns when each is in the state it must have."""

    def __init__(self, network: Surroundings) -> None:
        self._network = network
        self._topology = network.topology
        self._watch = network.notes
        self._states = {name: ServiceState() for name in self._topology.names()}
        self._first: dict[str, float] = {}
        self._awaited = {
            need.host
            for host in self._topology.hosts
            for need in host.needs
            if need.condition == "service_completed_successfully"
        }
        self._given_up = threading.Event()

    def run(self) -> None:
        """Start the hosts. Raises the first error, after every start under way has finished."""
        for host in self._topology.hosts:
            for need in host.needs:
                other = self._topology.host(need.host)
                tested = other.idle or other.health is not None or self._network.tested(other.name)
                check_tested(host, need, tested=tested)
        left = list(self._topology.hosts)
        slow = sum(self._network.tested(host.name) for host in left) + len(self._awaited)
        under_way: set[concurrent.futures.Future[None]] = set()
        with concurrent.futures.ThreadPoolExecutor(WORKERS + slow) as pool:
            try:
                while left or under_way:
                    for host in [one for one in left if self._may_start(one)]:
                        left.remove(host)
                        under_way.add(pool.submit(self._start, host))
                    done, under_way = concurrent.futures.wait(
                        under_way, LOOK, concurrent.futures.FIRST_COMPLETED
                    )
                    for one in done:
                        one.result()
            finally:
                self._given_up.set()
        for host in self._topology.hosts:
            self._judge(host)

    def _may_start(self, host: Host) -> bool:
        if host.shares and not self._states[host.shares].started:
            return False
        found = waiting(host, self._topology.file, self._state)
        for other, why in found.without:
            self._watch.tell(host.name, "went on without", said=f"{other}: {why}")
        return not found.blocked

    def _state(self, name: str) -> ServiceState:
        state = self._states[name]
        if name in self._first:
            return dataclasses.replace(state, age=time.monotonic() - self._first[name])
        return state

    def _set(self, host: Host, **changes: object) -> None:
        self._states[host.name] = dataclasses.replace(
            self._states[host.name],
            **changes,  # type: ignore[arg-type]
        )

    def _start(self, host: Host) -> None:
        """Start a host, and start it again as its policy says, until it is up or has ended."""
        self._first[host.name] = time.monotonic()
        while True:
            try:
                self._start_once(host)
                return
            except HostEnded as ended:
                pause = self._watch.end(host.name, ended.status)
                words = self._watch.last_words(host.name)
                self._network.end(host.name)
                if pause is None:
                    self._set(host, started=True, answers=True, status=ended.status, said=words)
                    return
            if self._watch.restarts[host.name].count > MOST_STARTS:
                self._set(host, started=True, answers=True)
                self._watch.later(host.name, pause)
                return
            self._given_up.wait(pause)
            self._watch.tell(host.name, "started again")

    def _start_once(self, host: Host) -> None:
        start = self._network.begin(host.name)
        try:
            if not host.shares:
                self._network.start_link(host.name)
        except CannotRun:
            start.still_up()  # that the host ended at once is the better reason
            raise
        self._set(host, started=True, health=STARTING)
        if host.idle:
            self._set(host, answers=True, health=HEALTHY)
            return
        self._network.await_serving(host.name, start)
        self._set(host, answers=True)
        health = start.await_health() or (HEALTHY if host.health else "")
        self._set(host, health=health, said=self._watch.words.get(host.name, ""))
        if host.name in self._awaited:
            start.await_end(LONGEST_RUN + 1)

    def _judge(self, host: Host) -> None:
        """Raise CannotRun if a host is not in the state that it must have when the lab is up."""
        state = self._states[host.name]
        if self._may_fail(host.name):
            return
        if state.status:
            file = self._topology.file
            raise programs.ended_at_once(host.name, state.status, state.said, file)
        if not state.over and state.health not in ("", HEALTHY, STARTING):
            raise not_healthy(host.name, state.said, host.health.test if host.health else ())

    def _may_fail(self, name: str) -> bool:
        """Whether others go on without a host that fails."""
        return any(
            need.host == name and not need.required
            for host in self._topology.hosts
            for need in host.needs
        )
