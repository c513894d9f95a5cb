"""Peers that a check plays: a listener, a stream and a datagram socket on a host.

Each call does one thing and waits at most a given number of lab seconds. If what it expects does
not come in time, the case ends as failed and says what came instead.
"""

from __future__ import annotations

import socket
import struct
from typing import Protocol

from echolab.classroom import formatting
from echolab.classroom.expectation import TIMEOUT, Unmet

SEND_TIMEOUT = 60.0
"""Lab seconds that a stream's peer may leave the sent data unread."""

LARGEST_DATAGRAM = 65535

Where = tuple[str, int]


class Case(Protocol):
    """What a peer needs from the case that plays it (see `echolab.classroom.testbed`)."""

    def step(self, text: str) -> None:
        """Write down that something was done or seen."""

    def now(self) -> float:
        """Lab seconds since the hosts were up."""

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""

    def ready(self, made: socket.socket, within: float, *, to_send: bool = False) -> bool:
        """Let lab time pass until a socket can receive, or send; False if it cannot in time."""


class Listener:
    """A listening socket of a host."""

    def __init__(self, case: Case, host: str, made: socket.socket, port: int) -> None:
        self._case = case
        self._host = host
        self._socket = made
        self._port = port

    def accept(self, *, within: float = TIMEOUT) -> Stream:
        """Expect a connection in time."""
        if not self._case.ready(self._socket, within):
            raise Unmet(
                f"the program connects to port {self._port} of {self._host}",
                f"a connection within {within:g} s",
                "no connection",
            )
        stream, _ = self._socket.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._case.step(f"{self._host} accepted a connection")
        return Stream(self._case, self._host, stream)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def has_none(self) -> bool:
        """Whether no connection is now waiting to be accepted."""
        self._socket.settimeout(0.0)
        try:
            stream, _ = self._socket.accept()
        except BlockingIOError:
            return True
        stream.close()
        return False

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


class Stream:
    """One end of a connection."""

    def __init__(self, case: Case, host: str, made: socket.socket) -> None:
        self._case = case
        self._host = host
        self._socket = made

    @property
    def own_address(self) -> str:
        """This end's address, as people write it."""
        address: str = self._socket.getsockname()[0]
        return address

    def send(self, data: bytes) -> None:
        """Send these bytes, as one piece where the network allows it."""
        try:
            self._send(data)
        except OSError as error:
            raise Unmet(
                f"the program reads what {self._host} sends",
                formatting.octets(data),
                formatting.error(error),
            ) from None
        self._case.step(f"{self._host} sent {formatting.octets(data)}")

    def flood(self, data: bytes, *, patience: float = 0.5) -> int:
        """Send without reading until all is sent or nothing more fits; return how much was sent."""
        self._socket.setblocking(False)
        sent = 0
        while sent < len(data) and self._case.ready(self._socket, patience, to_send=True):
            try:
                sent += self._socket.send(data[sent : sent + (1 << 16)])
            except OSError as error:
                raise Unmet(
                    f"the program reads what {self._host} sends",
                    formatting.octets(data),
                    formatting.error(error),
                ) from None
        self._case.step(f"{self._host} sent {sent} bytes and read none")
        return sent

    def receive(self, count: int, *, within: float = TIMEOUT) -> bytes:
        """Expect exactly this many bytes in time, and return them."""
        data, ending = self._receive(count, within)
        if len(data) < count:
            raise Unmet(
                f"{self._host} receives {count} bytes from the program",
                f"{count} bytes",
                f"{formatting.octets(data)}, then {ending}",
            )
        self._case.step(f"{self._host} received {formatting.octets(data)}")
        return data

    def expect(self, expected: bytes, *, within: float = TIMEOUT) -> None:
        """Expect exactly these bytes in time."""
        data, ending = self._receive(len(expected), within)
        if data != expected:
            wanted, got = formatting.difference(expected, data)
            raise Unmet(f"{self._host} receives from the program", wanted, f"{got}, then {ending}")
        self._case.step(f"{self._host} received {formatting.octets(data)}")

    def receive_line(self, *, within: float = TIMEOUT, most: int = 4096) -> bytes:
        """Expect a line in time, byte by byte, and return it with its line end."""
        data = bytearray()
        deadline = self._case.now() + within
        while not data.endswith(b"\n"):
            piece, ending = self._receive(1, deadline - self._case.now())
            data += piece
            if not piece or len(data) >= most:
                raise Unmet(
                    f"{self._host} receives a line from the program",
                    f"a line within {within:g} s",
                    f"{formatting.octets(bytes(data))}, then {ending or MORE}",
                )
        self._case.step(f"{self._host} received {formatting.octets(bytes(data))}")
        return bytes(data)

    def receive_all(self, *, within: float = TIMEOUT, most: int = 1 << 24) -> bytes:
        """Expect the end of the stream in time, and return all that came before it."""
        data, ending = self._receive(most, within)
        if ending != CLOSED:
            raise Unmet(
                f"the program finishes sending to {self._host}",
                f"the end of the stream within {within:g} s",
                f"{formatting.octets(data)}, then {ending}",
            )
        self._case.step(
            f"{self._host} received {formatting.octets(data)} and the end of the stream"
        )
        return data

    def expect_end(self, *, within: float = TIMEOUT) -> None:
        """Expect that the program closes or finishes its side, with nothing more sent."""
        data, ending = self._receive(1 << 16, within)
        if data or ending != CLOSED:
            raise Unmet(
                f"the program closes its connection to {self._host}",
                "the end of the stream",
                f"{formatting.octets(data)}, then {ending}" if data else ending,
            )
        self._case.step(f"{self._host} saw the end of the stream")

    def expect_refusal(self, *, within: float = TIMEOUT) -> None:
        """Expect that the program ends the connection, by closing it or by a reset."""
        data, ending = self._receive(1 << 16, within)
        if data or ending == SILENT:
            raise Unmet(
                f"the program closes its connection to {self._host} without a word",
                "the end of the connection",
                f"{formatting.octets(data)}, then {ending}" if data else ending,
            )
        self._case.step(f"{self._host} saw the connection end ({ending})")

    def expect_silence(self, seconds: float, why: str = "") -> None:
        """Expect nothing to arrive for this many seconds, not even the end of the stream."""
        data, ending = self._receive(1, seconds)
        if data or ending != SILENT:
            raise Unmet(
                f"the program sends {self._host} nothing yet",
                f"silence for {seconds:g} s",
                formatting.octets(data) if data else ending,
                why,
            )
        self._case.step(f"{self._host} saw nothing for {seconds:g} s")

    def expect_no_bytes(self, seconds: float, why: str = "") -> None:
        """Expect no byte to arrive for this many seconds; a peer may finish sending meanwhile."""
        until = self._case.now() + seconds
        data, ending = self._receive(1, seconds)
        if data or ending not in (SILENT, CLOSED):
            raise Unmet(
                f"the program sends {self._host} nothing yet",
                f"no bytes for {seconds:g} s",
                formatting.octets(data) if data else ending,
                why,
            )
        self._case.sleep(max(0.0, until - self._case.now()))
        self._case.step(f"{self._host} received nothing for {seconds:g} s")

    def finish(self) -> None:
        """Finish sending; receiving goes on (shutdown(2), SHUT_WR)."""
        self._socket.shutdown(socket.SHUT_WR)
        self._case.step(f"{self._host} finished sending")

    def reset(self) -> None:
        """End the connection by a reset (SO_LINGER of 0 seconds, socket(7))."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
        self._case.step(f"{self._host} reset the connection")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
        self._case.step(f"{self._host} closed the connection")

    def _send(self, data: bytes) -> None:
        self._socket.setblocking(False)
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                if not self._case.ready(self._socket, SEND_TIMEOUT, to_send=True):
                    raise TimeoutError from None

    def _receive(self, count: int, within: float) -> tuple[bytes, str]:
        data = bytearray()
        deadline = self._case.now() + within
        while len(data) < count:
            if not self._case.ready(self._socket, deadline - self._case.now()):
                return bytes(data), SILENT
            try:
                piece = self._socket.recv(min(1 << 16, count - len(data)))
            except OSError as error:
                return bytes(data), formatting.error(error)
            if not piece:
                return bytes(data), CLOSED
            data += piece
        return bytes(data), ""


CLOSED = "the end of the stream"
SILENT = "nothing more"
MORE = "still more"


class Datagrams:
    """A datagram socket of a host."""

    def __init__(self, case: Case, host: str, made: socket.socket) -> None:
        self._case = case
        self._host = host
        self._socket = made

    @property
    def port(self) -> int:
        """The port it is bound to."""
        number: int = self._socket.getsockname()[1]
        return number

    def send(self, data: bytes, to: Where) -> None:
        """Send one datagram."""
        self._socket.sendto(data, to)
        self._case.step(f"{self._host} sent {formatting.octets(data)}")

    def receive(
        self, *, within: float = TIMEOUT, most: int = LARGEST_DATAGRAM
    ) -> tuple[bytes, Where]:
        """Expect a datagram in time; return it, cut to `most` bytes, and its sender."""
        got = self._receive(within, most)
        if got is None:
            raise Unmet(
                f"the program sends {self._host} a datagram",
                f"one within {within:g} s",
                "no datagram",
            )
        self._case.step(f"{self._host} received {formatting.octets(got[0])}")
        return got

    def receive_any(self, *, within: float = TIMEOUT) -> tuple[bytes, Where] | None:
        """The next datagram and its sender; None if none comes in time, which may be right."""
        return self._receive(within)

    def expect(self, expected: bytes, *, within: float = TIMEOUT) -> Where:
        """Expect exactly this datagram in time; return its sender."""
        data, sender = self.receive(within=within)
        if data != expected:
            raise Unmet(
                f"the datagram that {self._host} receives", *formatting.difference(expected, data)
            )
        return sender

    def waiting(self) -> int:
        """How many datagrams have arrived but were not yet received; discards them."""
        count = 0
        while self._receive(0.0) is not None:
            count += 1
        return count

    def expect_silence(self, seconds: float, why: str = "") -> None:
        """Expect no datagram for this many seconds."""
        got = self._receive(seconds)
        if got is not None:
            raise Unmet(
                f"the program sends {self._host} nothing now",
                f"silence for {seconds:g} s",
                formatting.octets(got[0]),
                why,
            )
        self._case.step(f"{self._host} saw nothing for {seconds:g} s")

    def _receive(self, within: float, most: int = LARGEST_DATAGRAM) -> tuple[bytes, Where] | None:
        if not self._case.ready(self._socket, within):
            return None
        data, sender = self._socket.recvfrom(most)
        return data, (sender[0], sender[1])
