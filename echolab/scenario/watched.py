"""A run that somebody watches: what is done to it, and what it tells meanwhile.

What it tells are lines of `watch.jsonl` in the run's folder, a JSON object each: first what the
hosts are (`Opening`), then from time to time what is there to see (`Look`). The captures are on
the machine's disk up to the moment of each look.

Strategy: everything is done by timers of the engine's own loop, which takes no lab time, so that
programs notice nothing of a look. Yet the engine's own waits end up to a thousandth later where
they are longer (select(2) lets the kernel be late by that). So whoever performs the run again
looks as often, and each wait is cut into the same parts.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence

from echolab.engines.contract import WatchedNetwork, capture_file
from echolab.engines.sockets import STATES
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.intervention import OF_ONE_PACKET, Intervention
from echolab.job import Job
from echolab.link import Link
from echolab.record import Fault
from echolab.record.format import plain
from echolab.scenario.lab import ECHO_PORT, Lab

FILE = "watch.jsonl"

MOST_SOCKETS = 12
"""Sockets of a host that a look has."""


@dataclasses.dataclass(frozen=True)
class Device:
    """A host's device on a network, and the files of its captures before and behind its link."""

    host: str
    network: str
    mac: str
    addresses: tuple[str, ...]
    before: str
    behind: str


@dataclasses.dataclass(frozen=True)
class Opening:
    """What a watched run tells first: `clock` and `epoch` are lab second 0, in nanoseconds since
    the guest's boot and since 1970."""

    clock: int
    epoch: int
    hosts: tuple[str, ...]
    devices: tuple[Device, ...]


@dataclasses.dataclass(frozen=True)
class SeenLink:
    """A link of a host's device on a network, and the lab second since which it is so."""

    host: str
    network: str
    link: Link
    since: float


@dataclasses.dataclass(frozen=True)
class SeenProgram:
    """A program that runs; `number` is that of its calls, -1 if nobody follows them."""

    host: str
    argv: tuple[str, ...]
    number: int


@dataclasses.dataclass(frozen=True)
class SeenCalls:
    """What strace(1) has written about a program since the look before."""

    host: str
    program: int
    text: str


@dataclasses.dataclass(frozen=True)
class SeenSocket:
    """A socket: its ports, its state, and the bytes that wait to be sent and to be read."""

    host: str
    protocol: str
    port: int
    peer: int
    state: str
    unsent: int
    unread: int


@dataclasses.dataclass(frozen=True)
class Look:
    """What there was to see at lab second `at`.

    `links` are those of each shaped device, `faults` all that befell the hosts so far; `lives`
    says of each host whether it is running, dead or paused; `said` has a line for each
    intervention that could not be done.
    """

    at: float
    links: tuple[SeenLink, ...]
    faults: tuple[Fault, ...]
    lives: Mapping[str, str]
    programs: tuple[SeenProgram, ...]
    sockets: tuple[SeenSocket, ...]
    calls: tuple[SeenCalls, ...]
    said: tuple[str, ...]


class Watched:
    """A lab that is watched or interfered with, as its job says."""

    def __init__(self, job: Job, lab: Lab, network: WatchedNetwork) -> None:
        self._job = job
        self._lab = lab
        self._network = network
        self._said: list[str] = []
        self._sent: list[socket.socket] = []
        self._looks = 0
        self._over = False

    def begin(self) -> None:
        """Do what the job says from now on; what is to be seen goes to the run's folder."""
        for one in self._job.interventions:
            begun = one.since if one.kind in OF_ONE_PACKET else one.at
            if one.kind in OF_ONE_PACKET and not begun:
                self._do(one)  # it must not wait until the lab waits for something
            else:
                self._network.exactly_at(begun, lambda one=one: self._do(one))  # type: ignore[misc]
        if self._job.watched:
            self._file = self._network.open_file(FILE)
            self._tell(self._opening())
            self._look()

    def end(self) -> None:
        """Let go of what was opened; hosts may go on for a while."""
        self._over = True
        for one in self._sent:
            one.close()
        if self._job.watched:
            self._tell(self._seen())  # a short run has come to no other look
            self._file.close()

    # --- what is done

    def _do(self, one: Intervention) -> None:
        try:
            getattr(self, f"_{one.kind}")(one)
        except EcholabError as error:
            self._said.append(f"{one.kind} {one.host}: {error.message}")
        self._lab.note("intervention", f"{one.kind} {one.host}".strip(), plain(one))

    def _cut(self, one: Intervention) -> None:
        self._lab._faults.partition(((one.host,),))

    def _heal(self, one: Intervention) -> None:
        self._lab._faults.heal()

    def _loss(self, one: Intervention) -> None:
        self._reshape(one.host, loss=one.amount)

    def _delay(self, one: Intervention) -> None:
        self._reshape(one.host, delay=one.amount)

    def _reshape(self, host: str, **changes: float) -> None:
        """Change the links that a host has, or give it one; all else about them stays."""
        self._lab._faults.check_alive(host)
        before = self._lab._own_links.get(host) or (Link(),)
        links = tuple(dataclasses.replace(link, **changes) for link in before)  # type: ignore[arg-type]
        self._lab._shaping.shape(host, links)
        self._lab._own_links[host] = links

    def _kill(self, one: Intervention) -> None:
        self._lab.kill(one.host)

    def _pause(self, one: Intervention) -> None:
        self._lab.pause(one.host)

    def _resume(self, one: Intervention) -> None:
        self._lab.resume(one.host)

    def _restart(self, one: Intervention) -> None:
        self._lab.restart(one.host)

    def _send(self, one: Intervention) -> None:
        """Send a datagram from a socket that stays open, so that an answer finds it."""
        address = self._lab.address(one.target)
        family = socket.AF_INET if address.ip else socket.AF_INET6
        made = self._network.socket(one.host, family, socket.SOCK_DGRAM)
        self._sent.append(made)
        try:
            made.sendto(one.text.encode(), (address.ip or address.ip6, ECHO_PORT))
        except OSError as error:
            raise BadInput(str(error.strerror), "look at the link") from None

    def _drop_packet(self, one: Intervention) -> None:
        self._network.drop_packet(one.host, one.network, bytes.fromhex(one.packet), one.number)

    def _delay_packet(self, one: Intervention) -> None:
        packet = bytes.fromhex(one.packet)
        self._network.delay_packet(one.host, one.network, packet, one.number, one.amount)

    # --- what is told

    def _opening(self) -> Opening:
        now, clock, epoch = self._network.now(), time.monotonic_ns(), time.time_ns()
        passed = round(now * 1e9)
        devices = [
            Device(
                host,
                one.network,
                one.address.mac,
                one.address.all(),
                capture_file(host, one, "before-link", len(ways)),
                capture_file(host, one, "after-link", len(ways)),
            )
            for host, ways in self._network.interfaces.items()
            if not self._job.topology.host(host).shares
            for one in ways
        ]
        hosts = self._job.topology.names()
        return Opening(clock - passed, epoch - passed, hosts, tuple(devices))

    def _look(self) -> None:
        """Tell what there is to see now, and do so again in a while."""
        if self._over:
            return
        self._tell(self._seen())
        self._looks += 1
        self._network.at(self._looks * self._job.watched, self._look)

    def _seen(self) -> Look:
        """What there is to see now, with every packet so far in the captures."""
        self._network.save()
        lab = self._lab
        written = self._network.new_calls()
        numbers = {program: number for number, program in enumerate(written)}
        calls = (SeenCalls(one.host, numbers[one], text) for one, text in written.items() if text)
        return Look(
            at=self._network.now(),
            links=tuple(
                SeenLink(host, shaped.network, link, shaped.since[0])
                for (host, _), shaped in lab._shaping._shaped.items()
                for link in shaped.links
            ),
            faults=tuple(lab.faults),
            lives={host: lab._faults.life(host) for host in lab.hosts},
            programs=tuple(
                SeenProgram(one.host, tuple(one.argv), numbers.get(one, -1))
                for one in self._network.running()
            ),
            sockets=tuple(self._sockets()),
            calls=tuple(calls),
            said=tuple(self._said),
        )

    def _tell(self, told: Opening | Look) -> None:
        try:
            self._file.write(json.dumps(plain(told)) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise CannotRun(f"{FILE} cannot grow: {error.strerror}", "make room there") from None

    def _sockets(self) -> Iterator[SeenSocket]:
        for host in self._lab.hosts:
            if self._lab._is_dead(host):
                continue
            found = [one for table in ("tcp", "udp") for one in self._table(host, table)]
            yield from found[:MOST_SOCKETS]

    def _table(self, host: str, protocol: str) -> Sequence[SeenSocket]:
        found = []
        for table in (protocol, f"{protocol}6"):
            try:
                text = self._network.read(host, f"/proc/net/{table}")
            except BadInput:  # a kernel without IPv6
                continue
            found += [_socket(host, protocol, line) for line in text.splitlines()[1:]]
        return found


def _socket(host: str, protocol: str, line: str) -> SeenSocket:
    """A socket from its line (Documentation/networking/proc_net_tcp.rst)."""
    _, local, remote, state, queues, *_ = line.split()
    unsent, _, unread = queues.partition(":")
    return SeenSocket(
        host,
        protocol,
        int(local.rpartition(":")[2], 16),
        int(remote.rpartition(":")[2], 16),
        STATES[int(state, 16) - 1],
        int(unsent, 16),
        int(unread, 16),
    )
