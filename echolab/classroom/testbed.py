"""What a case works with: the lab, and peers that the check itself plays.

Strategy: a socket belongs to the network namespace in which it was made. So the check makes its
own sockets on the hosts and plays server, client or both from one process, step by step; no peer
program needs to be started, and the case itself shows what happens in which order.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import socket
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from echolab.classroom import formatting
from echolab.classroom.expectation import TIMEOUT, Unmet
from echolab.classroom.peers import Datagrams, Listener, Stream
from echolab.classroom.sniffer import Sniffer
from echolab.engines import sockets
from echolab.engines.contract import Address, PeerNetwork
from echolab.errors import CannotRun
from echolab.history import models, words
from echolab.history.values import History
from echolab.link import Link
from echolab.record import Json
from echolab.scenario.lab import Lab
from echolab.scenario.programs import RunningProgram

if TYPE_CHECKING:
    import random

STEP, NOTED, ENDING, QUESTION = "step", "noted", "ending", "question"
"""Subjects of the notes that a case leaves in its record."""

OUTCOME = "outcome"
"""The step of the claim that says how a case ended."""

POLL = 0.01
"""Lab seconds between two checks of whether a port is served."""

WIDTH = 84
"""Columns of the bars of a history."""

ON_WHICH_PORT = "On which port does your program wait, and for which addresses?"

WHAT_FAILS = "Which of your calls fails before the program can wait, and what does it say?"
"""The questions for a program that does not even begin to serve."""

Socket = socket.socket


class Testbed:
    """The lab of one case. What it does and sees is recorded as the case's steps."""

    __test__ = False  # pytest collects what is called Test

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._undo = contextlib.ExitStack()
        self._served = False
        self.services: dict[str, tuple[int, str]] = {}
        """The port and the protocol of each host on which the program serves on."""
        self.started: list[tuple[str, Callable[[], str]]] = []
        """The host of each program that was started, and what tells how it ended if it has."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    # --- the lab

    @property
    def lab(self) -> Lab:
        """The lab underneath."""
        return self._lab

    @property
    def random(self) -> random.Random:
        """A random number generator seeded by the student's seed."""
        return self._lab.random

    def address(self, host: str) -> Address:
        """Where a host is."""
        return self._lab.address(host)

    def now(self) -> float:
        """Lab seconds since the hosts were up."""
        return self._lab.now()

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""
        self._lab.sleep(seconds)

    def shape(self, host: str, *links: Link) -> None:
        """Shape what a host sends, from now on."""
        self._lab.shape(host, *links)
        for link in links:
            self.step(f"{host} sends over {formatting.link(link)}")

    def clear(self, host: str) -> None:
        """Stop shaping what a host sends."""
        self._lab.clear(host)
        self.step(f"{host} sends over a clean link again")

    # --- the steps

    def step(self, text: str) -> None:
        """Write down that something was done or seen; failures list these."""
        self._lab.note(STEP, text)

    def note(self, name: str, value: Json) -> None:
        """Write down what happened, to be set beside the student's prediction `name`."""
        self._lab.note(NOTED, name, value)

    # --- clients that work side by side

    def workload(self, operation: Callable[..., None], **figures: Any) -> History:
        """Have clients work side by side while the run's faults befall the hosts (`Lab.workload`).

        Returns what they asked and learned. Expects that what serves still does in the end.
        """
        for fault in self._lab.schedule if figures.get("faults", True) else ():
            self.step(f"will befall the hosts, from now: {fault}")
        found = self._lab.workload(operation, **figures)
        done = sum(one.outcome == "ok" for one in found.operations)
        self.step(f"clients asked for {len(found.operations)} operations, {done} were answered")
        for host, (port, protocol) in self.services.items():
            self.wait_for_port(host, port, protocol)
        return found.operations

    def expect_history(
        self, expectation: str, history: History, word: str, *, model: str, after: float = 0.0
    ) -> None:
        """End the case as failed unless a history is as a word says of a model.

        The words and models are those of `Lab.expect_history`; agreement and loss are judged by
        what is read from lab second `after` on. Raises CannotRun if it cannot be told.
        """
        finding = words.check(word, models.find(model), history, after)
        if finding.holds is None:
            raise CannotRun(f"the history cannot be judged: {finding.why}", "check again")
        if not finding.holds:
            from echolab.report import violation

            self.step("what contradicts it, operations as bars on a time line:")
            for line in violation.bars(finding.part, WIDTH):
                self.step(line.strip())
            raise Unmet(expectation, f"a history that is {word} ({model})", finding.why)
        self.step(f"{expectation}: yes")

    # --- expectations

    def expect(
        self, expectation: str, holds: bool, *, expected: Json, seen: Json, why: str = ""
    ) -> None:
        """End the case as failed unless `holds`."""
        if not holds:
            raise Unmet(expectation, expected, seen, why)
        self.step(f"{expectation}: yes")

    def expect_bytes(self, expectation: str, seen: bytes, expected: bytes) -> None:
        """End the case as failed unless the bytes are the ones expected."""
        if seen != expected:
            raise Unmet(expectation, *formatting.difference(expected, seen))
        self.step(f"{expectation}: {formatting.octets(seen)}")

    def fail(self, expectation: str, *, expected: Json, seen: Json, why: str = "") -> NoReturn:
        """End the case as failed."""
        raise Unmet(expectation, expected, seen, why)

    # --- peers that the check plays

    def processor_time(self, program: RunningProgram) -> float:
        """Lab seconds of processor time that a program has used so far."""
        return self._peers.processor_time(program._program)

    def written(self, program: RunningProgram) -> bytes:
        """What a program has written to standard output so far, byte for byte."""
        return self._peers.written(program._program)

    def socket(self, host: str, family: int, kind: int) -> Socket:
        """A socket of a host, closed when the case ends.

        Raises CannotRun in an engine in which a check cannot play a peer.
        """
        made = self._peers.socket(host, family, kind)
        self._undo.callback(made.close)
        return made

    def ready(self, made: Socket, within: float, *, to_send: bool = False) -> bool:
        """Let lab time pass until a socket can receive, or send; False if it cannot in time.

        Programs are served meanwhile, which a blocking call would prevent.
        """
        return self._peers.ready(made, within, to_send=to_send)

    @functools.cached_property
    def _peers(self) -> PeerNetwork:
        network = self._lab.network
        if isinstance(network, PeerNetwork):
            return network
        raise CannotRun(
            f"a check cannot play a peer in the engine {self._lab.engine}",
            "run it in the engine exact or namespaces",
        )

    def listen(self, host: str, port: int, *, backlog: int = 5) -> Listener:
        """Wait for connections on a port of a host, on IPv4."""
        made = self.socket(host, socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", port))
        made.listen(backlog)
        return Listener(self, host, made, port)

    def connect(
        self,
        host: str,
        target: str,
        port: int,
        *,
        ip6: bool = False,
        within: float = TIMEOUT,
        room: int | None = None,
    ) -> Stream:
        """Connect from one host to a port of another, which the submission serves.

        `target` is a host's name or an address. `room` is how many unread bytes this end's kernel
        keeps (SO_RCVBUF, socket(7)).
        """
        family = socket.AF_INET6 if ip6 else socket.AF_INET
        made = self.socket(host, family, socket.SOCK_STREAM)
        if room is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        made.settimeout(within)
        try:
            made.connect((self._where(target, ip6), port))
        except OSError as error:
            raise Unmet(
                f"{host} connects to {target}, port {port}",
                "a connection",
                formatting.error(error),
            ) from None
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.step(f"{host} connected to port {port} of {target}")
        return Stream(self, host, made)

    def _where(self, target: str, ip6: bool) -> str:
        if target not in self._lab.hosts:
            return target
        address = self.address(target)
        if not ip6:
            return address.ip
        if address.ip6 is None:
            raise CannotRun(f"{target} has no IPv6 address", "set enable_ipv6 in compose.yaml")
        return address.ip6

    def datagrams(self, host: str, port: int = 0) -> Datagrams:
        """A datagram socket of a host; port 0 is any."""
        made = self.socket(host, socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("", port))
        return Datagrams(self, host, made)

    def watch(self, host: str) -> Sniffer:
        """Look at the datagrams that a host sends and receives from now on."""
        made = self.socket(host, socket.AF_PACKET, socket.SOCK_DGRAM)
        return Sniffer(made, self.device(host), self.address(host).ip)

    def device(self, host: str) -> str:
        """The name of a host's first device on a network."""
        return self._lab.network.interfaces[host][0].device

    def wait_for_port(
        self, host: str, port: int, protocol: str = "tcp", *, within: float = TIMEOUT
    ) -> None:
        """Expect that a program serves a port of a host in time, on IPv4 or IPv6."""
        deadline = self.now() + within
        while port not in self._ports(host, protocol):
            if self.now() >= deadline:
                raise self._not_served(host, port, protocol, within)
            self.sleep(POLL)
        self._served = True
        self.step(f"the program serves {protocol} port {port} on {host}")

    def _not_served(self, host: str, port: int, protocol: str, within: float) -> Unmet:
        ports = sorted(set(self._ports(host, protocol)))
        seen = f"it serves {', '.join(map(str, ports))}" if ports else "it serves no port"
        ended = [words for at, told in self.started if at == host if (words := told())]
        question = WHAT_FAILS if ended else ON_WHICH_PORT
        return Unmet(
            f"the program serves {protocol} port {port} on {host}",
            f"a {'listening' if protocol == 'tcp' else 'bound'} socket within {within:g} s",
            f"{seen}; {ended[-1]}" if ended else seen,
            question=None if self._served else question,
        )

    def _ports(self, host: str, protocol: str) -> Iterator[int]:
        return sockets.serving(functools.partial(self._lab.network.read, host), protocol)

    def connections(self, host: str) -> dict[str, int]:
        """How many TCP sockets of a host are in each state, by the state's name."""
        read = functools.partial(self._lab.network.read, host)
        return dict(collections.Counter(made.state for made in sockets.of_host(read, "tcp")))
