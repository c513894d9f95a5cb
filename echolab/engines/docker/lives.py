"""Hosts that fail, as containers: killed, paused, and started again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from echolab.engines import programs
from echolab.engines.contract import Interface
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors
from echolab.engines.docker.health import HostEnded, HostStart
from echolab.engines.docker.link_container import LinkContainer
from echolab.engines.docker.placeholder import Placeholder
from echolab.engines.docker.watch import Watch
from echolab.engines.lives import DEAD, ENDED, PAUSED, RUNNING, Lives
from echolab.errors import CannotRun
from echolab.topology import Topology


class Surroundings(Protocol):
    """What the lives of hosts need of their network."""

    api: Api
    containers: dict[str, str]
    links: dict[str, LinkContainer]
    interfaces: Mapping[str, tuple[Interface, ...]]
    link_image: str

    @property
    def topology(self) -> Topology: ...

    def link_labels(self) -> Mapping[str, str]:
        """The labels of everything that stands beside a host."""

    @property
    def notes(self) -> Watch:
        """What happens to the hosts by themselves."""

    def begin(self, host: str) -> HostStart:
        """Start a host's container."""

    def await_serving(self, host: str, start: HostStart) -> None:
        """Wait until a host that was started listens for clients."""

    def start_link(self, host: str) -> None:
        """Start the link of a host that runs."""

    def lose_link(self, host: str) -> LinkContainer:
        """Keep the captures of a host, then forget its link and return it."""

    def introduce(self, host: str) -> None:
        """Tell a host the hardware addresses of the others."""

    def ways(self, host: str) -> tuple[Interface, ...]:
        """The devices that a host has now."""


class HostLives:
    """The state of each host of a network (running, paused or dead), in `states`."""

    def __init__(self, network: Surroundings) -> None:
        self.states = Lives()
        self._network = network
        self._placeholders: dict[str, Placeholder] = {}

    def check_alive(self, host: str) -> None:
        """Raise BadInput for a dead host, or one that the topology lacks."""
        self._network.topology.host(host)
        self.states.check_alive(host)

    def kill(self, host: str) -> None:
        """Take a host's power away (see contract.Network.kill).

        Strategy: it is stopped and disconnected before it is killed, so that no program does
        anything more, and no packet reveals that a program ended.
        """
        shares = self._network.topology.host(host).shares
        if self.states.dead(host):
            return
        self.pause(host)
        link = None if shares else self._network.lose_link(host)
        if link:
            link.ask("silence")
        api, container = self._network.api, self._network.containers[host]
        self._network.notes.expect_end(host)
        with daemon_errors(f"killing {host}"):
            networks = api.inspect_container(container)["NetworkSettings"]["Networks"]
            api.kill(container)
            api.wait(container)
        self.states.set(host, DEAD)
        if link:
            link.close()
            image, labels = self._network.link_image, self._network.link_labels()
            self._placeholders[host] = Placeholder(api, host, networks, image, labels)

    def pause(self, host: str) -> None:
        """Stop every program of a host (see contract.Network.pause)."""
        self.check_alive(host)
        if self.states.of(host) != PAUSED:
            with daemon_errors(f"pausing {host}"):
                self._network.api.pause(self._network.containers[host])
            self.states.set(host, PAUSED)

    def resume(self, host: str) -> None:
        """Let the programs of a host go on (see contract.Network.resume)."""
        self.check_alive(host)
        if self.states.of(host) == PAUSED:
            with daemon_errors(f"resuming {host}"):
                self._network.api.unpause(self._network.containers[host])
            self.states.set(host, RUNNING)

    @contextlib.contextmanager
    def going_on(self, host: str) -> Iterator[None]:
        """Within it, a paused host runs: the daemon starts nothing on a paused host."""
        paused = self.states.of(host) == PAUSED
        if paused:
            self.resume(host)
        try:
            yield
        finally:
            if paused:
                self.pause(host)

    def restart(self, host: str, before_start: Callable[[], None] | None) -> None:
        """Give a host its power back (see contract.Network.restart).

        Strategy: it is stopped as soon as it has started, until its links are ready.
        """
        self.kill(host)
        if host in self._placeholders:
            self._placeholders.pop(host).close()
        start = self._network.begin(host)
        try:
            self._start(host, start, before_start)
            start.await_health()
        except HostEnded as ended:
            file, words = self._network.topology.file, self._network.notes.last_words(host)
            raise programs.ended_at_once(host, ended.status, words, file) from None

    def revive(self, host: str, before_start: Callable[[], None]) -> None:
        """Start a host again that ended with its service, as its policy says."""
        start = self._network.begin(host)
        self._network.notes.tell(host, "started again")
        # If it has already ended, the daemon reports it, and it is started again later.
        with contextlib.suppress(HostEnded):
            self._start(host, start, before_start)

    def _start(self, host: str, start: HostStart, before_start: Callable[[], None] | None) -> None:
        """Connect a host that was started to its network, and wait until it listens for clients."""
        self.states.set(host, RUNNING)
        try:
            self.pause(host)
            if not self._network.topology.host(host).shares:
                self._join(host)
        except CannotRun:
            self.states.end(host, ENDED)
            start.still_up()  # that the host ended at once is the better reason
            raise
        if before_start:
            before_start()
        self.resume(host)
        self._network.await_serving(host, start)

    def _join(self, host: str) -> None:
        before = self._network.interfaces[host]
        self._network.start_link(host)
        if before and self._network.ways(host) != before:
            raise CannotRun(
                f"Docker gave {host} another address when it was started again",
                "fix it in the Compose file ('ipv4_address'), or use --engine exact",
            )
        self._network.introduce(host)
