"""What a network offers to whoever watches a run; see `WatchedNetwork` in the contract."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from echolab.engines import job_files
from echolab.engines.contract import Interface, Program
from echolab.engines.namespaces.capture import PacketSocket
from echolab.engines.namespaces.following import Calls
from echolab.engines.namespaces.hosts import Wiring
from echolab.engines.namespaces.loop import EventLoop
from echolab.engines.namespaces.program import NamespaceProgram
from echolab.errors import BadInput


class Watching:
    """The part of a `NamespaceNetwork` that serves whoever watches it."""

    _captures: list[PacketSocket]
    _epoch: float
    _explained: bool
    _folder: Path
    _loop: EventLoop
    interfaces: Mapping[str, tuple[Interface, ...]]
    _running: dict[NamespaceProgram, None]
    _strace: str | None
    _wiring: Wiring

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Call `action` at a lab second, or later when the lab next waits."""
        self._loop.at(self._epoch + moment, action)

    def exactly_at(self, moment: float, action: Callable[[], None]) -> None:
        """Call `action` at a lab second, to the nanosecond if the lab waits for something then."""
        self._loop.exactly_at(self._epoch + moment, action)

    def drop_packet(self, host: str, network: str, packet: bytes, number: int) -> None:
        """Let one packet die that has left a host's link; see the contract."""
        self._wiring.one_packet.drop(self._port(host, network), packet, number)

    def delay_packet(
        self, host: str, network: str, packet: bytes, number: int, seconds: float
    ) -> None:
        """Hold one packet up that has left a host's link; see the contract."""
        self._wiring.one_packet.delay(self._port(host, network), packet, number, seconds)

    def _port(self, host: str, network: str) -> int:
        if network not in (one.network for one in self.interfaces.get(host, ())):
            raise BadInput(f"{host} is not on network {network}", "choose a packet of this run")
        return self._wiring.port(host, network)

    def save(self) -> None:
        """Have every packet that was captured so far in the captures' files."""
        for under_way in self._captures:
            under_way.save()

    def new_calls(self) -> Mapping[Program, str]:
        """What strace has written about each program since the last time; see the contract."""
        return {program: calls.new() for program, calls in self._followed.items()}

    @functools.cached_property
    def _followed(self) -> dict[NamespaceProgram, Calls]:
        return {}

    def _follow(self, program: NamespaceProgram) -> None:
        """Follow the system calls of a program that is held before its first instruction."""
        if self._strace:
            file = self._folder / f"{job_files.CALLS}{program.pid}" if self._explained else None
            self._followed[program] = Calls(program.pid, self._strace, file)

    def _end_following(self) -> None:
        while self._followed:
            self._followed.popitem()[1].close()

    def running(self) -> Sequence[Program]:
        """The programs that run now, hosts' services among them."""
        return tuple(self._running)

    def open_file(self, name: str) -> TextIO:
        """A new file in the run's folder."""
        return (self._folder / name).open("w", encoding="utf-8")
