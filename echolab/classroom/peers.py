"""Peers that a check plays: a listener, a stream and a datagram socket on a host.

Each call does one thing and waits at most so many lab seconds; what does not come in
time ends the case as failed, with what came instead.
"""

from __future__ import annotations

import socket
import struct

from echolab.classroom import shown
from echolab.classroom.testbed import PATIENCE, Testbed, Unmet

SEND_PATIENCE = 60.0
"""Lab seconds that a stream's peer may leave what we send unread."""

LARGEST_DATAGRAM = 65535

Where = tuple[str, int]


class Listener:
    """A listening socket of a host."""

    def __init__(self, testbed: Testbed, host: str, made: socket.socket, port: int) -> None:
        self._testbed = testbed
        self._host = host
        self._socket = made
        self._port = port

    def accept(self, *, within: float = PATIENCE) -> Stream:
        """Expect a connection in time."""
        if not self._testbed.ready(self._socket, within):
            raise Unmet(
                f"the program connects to port {self._port} of {self._host}",
                f"a connection within {within:g} s",
                "none",
            )
        stream, _ = self._socket.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._testbed.step(f"{self._host} accepted a connection")
        return Stream(self._testbed, self._host, stream)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def has_none(self) -> bool:
        """Whether no connection waits to be accepted now."""
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

    def __init__(self, testbed: Testbed, host: str, made: socket.socket) -> None:
        self._testbed = testbed
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
                shown.octets(data),
                shown.error(error),
            ) from None
        self._testbed.step(f"{self._host} sent {shown.octets(data)}")

    def receive(self, count: int, *, within: float = PATIENCE) -> bytes:
        """Expect exactly so many bytes in time, and return them."""
        data, ending = self._receive(count, within)
        if len(data) < count:
            raise Unmet(
                f"{self._host} receives {count} bytes from the program",
                f"{count} bytes",
                f"{shown.octets(data)}, then {ending}",
            )
        self._testbed.step(f"{self._host} received {shown.octets(data)}")
        return data

    def expect(self, expected: bytes, *, within: float = PATIENCE) -> None:
        """Expect exactly these bytes in time."""
        data, ending = self._receive(len(expected), within)
        if data != expected:
            wanted, got = shown.difference(expected, data)
            raise Unmet(f"{self._host} receives from the program", wanted, f"{got}, then {ending}")
        self._testbed.step(f"{self._host} received {shown.octets(data)}")

    def receive_line(self, *, within: float = PATIENCE, most: int = 4096) -> bytes:
        """Expect a line in time, byte by byte, and return it with its line end."""
        data = bytearray()
        deadline = self._testbed.now() + within
        while not data.endswith(b"\n"):
            piece, ending = self._receive(1, deadline - self._testbed.now())
            data += piece
            if not piece or len(data) >= most:
                raise Unmet(
                    f"{self._host} receives a line from the program",
                    f"a line within {within:g} s",
                    f"{shown.octets(bytes(data))}, then {ending or 'more'}",
                )
        self._testbed.step(f"{self._host} received {shown.octets(bytes(data))}")
        return bytes(data)

    def receive_all(self, *, within: float = PATIENCE, most: int = 1 << 24) -> bytes:
        """Expect the end of the stream in time, and return all that came before it."""
        data, ending = self._receive(most, within)
        if ending != CLOSED:
            raise Unmet(
                f"the program finishes sending to {self._host}",
                f"the end of the stream within {within:g} s",
                f"{shown.octets(data)}, then {ending}",
            )
        self._testbed.step(f"{self._host} received {shown.octets(data)} and the end of the stream")
        return data

    def expect_end(self, *, within: float = PATIENCE) -> None:
        """Expect that the program closes or finishes its side, with nothing more sent."""
        data, ending = self._receive(1 << 16, within)
        if data or ending != CLOSED:
            raise Unmet(
                f"the program closes its connection to {self._host}",
                "the end of the stream",
                f"{shown.octets(data)}, then {ending}" if data else ending,
            )
        self._testbed.step(f"{self._host} saw the end of the stream")

    def expect_refusal(self, *, within: float = PATIENCE) -> None:
        """Expect that the program ends the connection, by closing it or by a reset."""
        data, ending = self._receive(1 << 16, within)
        if data or ending == SILENT:
            raise Unmet(
                f"the program closes its connection to {self._host} without a word",
                "the end of the connection",
                f"{shown.octets(data)}, then {ending}" if data else ending,
            )
        self._testbed.step(f"{self._host} saw the connection end ({ending})")

    def expect_silence(self, seconds: float, why: str = "") -> None:
        """Expect that nothing comes for so many seconds, not even the end of the stream."""
        data, ending = self._receive(1, seconds)
        if data or ending != SILENT:
            raise Unmet(
                f"the program sends {self._host} nothing yet",
                f"silence for {seconds:g} s",
                shown.octets(data) if data else ending,
                why,
            )
        self._testbed.step(f"{self._host} saw nothing for {seconds:g} s")

    def finish(self) -> None:
        """Finish sending; receiving goes on (shutdown(2), SHUT_WR)."""
        self._socket.shutdown(socket.SHUT_WR)
        self._testbed.step(f"{self._host} finished sending")

    def reset(self) -> None:
        """End the connection by a reset (SO_LINGER of 0 seconds, socket(7))."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
        self._testbed.step(f"{self._host} reset the connection")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
        self._testbed.step(f"{self._host} closed the connection")

    def _send(self, data: bytes) -> None:
        self._socket.setblocking(False)
        rest = memoryview(data)
        while rest:
            if not self._testbed.ready(self._socket, SEND_PATIENCE, to_send=True):
                raise TimeoutError
            rest = rest[self._socket.send(rest) :]

    def _receive(self, count: int, within: float) -> tuple[bytes, str]:
        data = bytearray()
        deadline = self._testbed.now() + within
        while len(data) < count:
            if not self._testbed.ready(self._socket, deadline - self._testbed.now()):
                return bytes(data), SILENT
            try:
                piece = self._socket.recv(min(1 << 16, count - len(data)))
            except OSError as error:
                return bytes(data), shown.error(error)
            if not piece:
                return bytes(data), CLOSED
            data += piece
        return bytes(data), ""


CLOSED = "the end of the stream"
SILENT = "nothing more"


class Datagrams:
    """A datagram socket of a host."""

    def __init__(self, testbed: Testbed, host: str, made: socket.socket) -> None:
        self._testbed = testbed
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
        self._testbed.step(f"{self._host} sent {shown.octets(data)}")

    def receive(
        self, *, within: float = PATIENCE, most: int = LARGEST_DATAGRAM
    ) -> tuple[bytes, Where]:
        """Expect a datagram in time; returns it, cut to `most` bytes, and its sender."""
        got = self._receive(within, most)
        if got is None:
            raise Unmet(
                f"the program sends {self._host} a datagram",
                f"one within {within:g} s",
                "none",
            )
        self._testbed.step(f"{self._host} received {shown.octets(got[0])}")
        return got

    def expect(self, expected: bytes, *, within: float = PATIENCE) -> Where:
        """Expect exactly this datagram in time; returns its sender."""
        data, sender = self.receive(within=within)
        if data != expected:
            raise Unmet(
                f"the datagram that {self._host} receives", *shown.difference(expected, data)
            )
        return sender

    def waiting(self) -> int:
        """How many datagrams have come and were not received yet; they are taken away."""
        count = 0
        while self._receive(0.0) is not None:
            count += 1
        return count

    def expect_silence(self, seconds: float, why: str = "") -> None:
        """Expect that no datagram comes for so many seconds."""
        got = self._receive(seconds)
        if got is not None:
            raise Unmet(
                f"the program sends {self._host} nothing now",
                f"silence for {seconds:g} s",
                shown.octets(got[0]),
                why,
            )
        self._testbed.step(f"{self._host} saw nothing for {seconds:g} s")

    def _receive(self, within: float, most: int = LARGEST_DATAGRAM) -> tuple[bytes, Where] | None:
        if not self._testbed.ready(self._socket, within):
            return None
        data, sender = self._socket.recvfrom(most)
        return data, (sender[0], sender[1])
