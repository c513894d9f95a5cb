"""What a case holds in its hand: the lab, and peers that the check itself plays.

Strategy: a socket belongs to the network namespace it was made in. So the check makes
its own sockets on the hosts and plays server, client or both from one process, step by
step; no peer program has to be started, and what happens in which order is written down
in the case.
"""

from __future__ import annotations

import contextlib
import socket
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self, cast

from echolab.classroom import shown
from echolab.engines.contract import Address
from echolab.errors import CannotRun
from echolab.lab import Lab
from echolab.link import Link

if TYPE_CHECKING:
    import random

    from echolab.classroom.peers import Datagrams, Listener, Stream

STEP, OUTCOME, NOTED, ENDING = "step", "outcome", "noted", "ending"
"""Headings of the claims that a case leaves in its record."""

PATIENCE = 5.0
"""Lab seconds that a peer waits for a submission unless told otherwise."""

POLL = 0.01
"""Lab seconds between two looks at whether a port is served."""

LISTENING = "0A"
"""TCP_LISTEN in /proc/net/tcp (include/net/tcp_states.h)."""

STATES = (
    *("ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"),
    *("CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"),
)
"""States of a TCP socket, numbered from 1 (include/net/tcp_states.h)."""


class Unmet(Exception):
    """A submission did not do what the case expects; ends the case."""

    def __init__(self, expectation: str, expected: Any, seen: Any, why: str = "") -> None:
        super().__init__(expectation)
        self.expectation = expectation
        self.expected = expected
        self.seen = seen
        self.why = why


Socket = socket.socket


class _Sockets(Protocol):
    """What a network of namespaces offers beyond the contract of engines."""

    def socket(self, host: str, family: int, kind: int) -> Socket: ...

    def ready(self, made: Socket, within: float, *, to_send: bool = False) -> bool: ...


class Testbed:
    """The lab of one case. What it does and sees is written down as the case's steps."""

    __test__ = False  # pytest collects what is called Test

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._undo = contextlib.ExitStack()

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
        """A source of chance that the student's seed determines."""
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
            self.step(f"{host} sends over {shown.link(link)}")

    def clear(self, host: str) -> None:
        """Take away whatever shapes what a host sends."""
        self._lab.clear(host)
        self.step(f"{host} sends over a clean link again")

    # --- what is written down

    def step(self, text: str) -> None:
        """Write down that something was done or seen; failures list these."""
        self._lab.step(STEP)
        self._lab.expect(text, True, seen=round(self.now(), 6))

    def note(self, name: str, value: Any) -> None:
        """Write down what happened, to be set beside the student's prediction `name`."""
        self._lab.step(NOTED)
        self._lab.expect(name, True, seen=value)

    # --- expectations

    def expect(
        self, expectation: str, holds: bool, *, expected: Any, seen: Any, why: str = ""
    ) -> None:
        """End the case as failed unless `holds`."""
        if not holds:
            raise Unmet(expectation, expected, seen, why)
        self.step(f"{expectation}: yes")

    def expect_bytes(self, expectation: str, seen: bytes, expected: bytes) -> None:
        """End the case as failed unless the bytes are the ones expected."""
        if seen != expected:
            raise Unmet(expectation, *shown.difference(expected, seen))
        self.step(f"{expectation}: {shown.octets(seen)}")

    def fail(self, expectation: str, *, expected: Any, seen: Any, why: str = "") -> NoReturn:
        """End the case as failed."""
        raise Unmet(expectation, expected, seen, why)

    # --- peers that the check plays

    def socket(self, host: str, family: int, kind: int) -> Socket:
        """A socket of a host, closed when the case ends.

        Raises CannotRun in an engine whose hosts are not namespaces.
        """
        network = self._lab.network
        if not hasattr(network, "socket"):
            raise CannotRun(
                f"the engine {self._lab.engine} cannot play a peer on {host}",
                "checks run in the engines exact and namespaces",
            )
        made = cast(_Sockets, network).socket(host, family, kind)
        self._undo.callback(made.close)
        return made

    def ready(self, made: Socket, within: float, *, to_send: bool = False) -> bool:
        """Let lab time pass until a socket can receive, or send; False where it cannot in time.

        Programs are served meanwhile, which a call that blocks would not do.
        """
        return cast(_Sockets, self._lab.network).ready(made, within, to_send=to_send)

    def listen(self, host: str, port: int, *, backlog: int = 5) -> Listener:
        """Wait for connections on a port of a host, on IPv4."""
        from echolab.classroom.peers import Listener

        made = self.socket(host, socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", port))
        made.listen(backlog)
        return Listener(self, host, made, port)

    def connect(
        self, host: str, target: str, port: int, *, ip6: bool = False, within: float = PATIENCE
    ) -> Stream:
        """Connect from one host to a port of another, which the submission serves.

        `target` is a host's name or an address.
        """
        from echolab.classroom.peers import Stream

        family = socket.AF_INET6 if ip6 else socket.AF_INET
        made = self.socket(host, family, socket.SOCK_STREAM)
        made.settimeout(within)
        try:
            made.connect((self._where(target, ip6), port))
        except OSError as error:
            raise Unmet(
                f"{host} connects to {target}, port {port}",
                "a connection",
                shown.error(error),
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
        from echolab.classroom.peers import Datagrams

        made = self.socket(host, socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("", port))
        return Datagrams(self, host, made)

    def wait_for_port(
        self, host: str, port: int, kind: str = "tcp", *, within: float = PATIENCE
    ) -> None:
        """Wait until a program serves a port of a host; `kind` is tcp or udp."""
        deadline = self.now() + within
        while not self._served(host, port, kind):
            if self.now() >= deadline:
                raise Unmet(
                    f"the program serves {kind} port {port} on {host}",
                    f"a {'listening' if kind == 'tcp' else 'bound'} socket within {within:g} s",
                    self._served_instead(host, kind),
                )
            self.sleep(POLL)
        self.step(f"the program serves {kind} port {port} on {host}")

    def connections(self, host: str) -> dict[str, int]:
        """How many TCP sockets of a host are in each state, by the state's name."""
        found: dict[str, int] = {}
        for table in ("tcp", "tcp6"):
            for line in self._table(host, table):
                state = STATES[int(line.split()[3], 16) - 1]
                found[state] = found.get(state, 0) + 1
        return found

    def _served(self, host: str, port: int, kind: str) -> bool:
        return port in self._ports(host, kind)

    def _served_instead(self, host: str, kind: str) -> str:
        ports = self._ports(host, kind)
        return f"it serves {', '.join(map(str, ports))}" if ports else "it serves no port"

    def _ports(self, host: str, kind: str) -> list[int]:
        found = set()
        for table in (kind, f"{kind}6"):
            for line in self._table(host, table):
                local, state = line.split()[1], line.split()[3]
                if kind == "udp" or state == LISTENING:
                    found.add(int(local.rpartition(":")[2], 16))
        return sorted(found)

    def _table(self, host: str, table: str) -> list[str]:
        try:
            return self._lab.network.read(host, f"/proc/net/{table}").splitlines()[1:]
        except (OSError, CannotRun):  # a kernel without IPv6 has no tcp6
            return []
