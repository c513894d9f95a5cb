"""What an operation of a workload receives: a client with requests, and their outcomes.

Requests go by lines over TCP, JSON datagrams, HTTP/1.0 (RFC 1945) or Redis' protocol (RESP 2). A
request waits as long as the client's `timeout` says. `Client.do` notes the operation: when it was
asked for, when it was answered, and whether it is done, has failed, or may or may not be done.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = 65535
"""Bytes of the largest datagram."""

PIECE = 65536


class Refused(Exception):
    """The operation was certainly not done, and never will be."""


class Client:
    """One client of a workload, a process of the history. It asks one thing at a time.

    `note` is called with the facts of each operation that was asked for, and of its answer.
    """

    def __init__(
        self,
        process: str,
        seed: str,
        timeout: float,
        note: Callable[[Mapping[str, object]], None],
    ) -> None:
        self.process = process
        self.timeout = timeout
        self.random = random.Random(seed)  # noqa: S311 (no secret)
        self._note = note
        self._asked = 0
        self._streams: dict[tuple[str, int], socket.socket] = {}
        self._datagrams: socket.socket | None = None
        self._addresses: dict[str, str] = {}
        self._rest: dict[tuple[str, int], bytes] = {}
        self._deadline = 0.0

    def do(
        self, function: str, call: Callable[[], Any], argument: Any = None, *, key: Any = None
    ) -> Any:
        """Do one operation and return its result, None without one."""
        self._asked += 1
        facts = {"process": self.process, "number": self._asked}
        asked = {"function": function, "argument": argument, "key": key}
        self._deadline = time.monotonic() + self.timeout
        self._note({**facts, **asked, "invoked": time.monotonic_ns()})
        result, outcome = None, "ok"
        try:
            result = call()
        except (Refused, ConnectionRefusedError):
            outcome = "fail"
        except (OSError, EOFError):
            outcome = "unknown"
            self._hang_up()
        if isinstance(result, dict):
            raise TypeError(f"the result of {function} is an object: return what counts of it")
        ended = time.monotonic_ns()
        self._note({**facts, "outcome": outcome, "result": result, "completed": ended})
        return result

    def refuse(self, why: str = "") -> None:
        """Say that the operation has certainly had no effect; it ends here."""
        raise Refused(why)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    # --- ready-made requests

    def line(self, host: str, port: int, text: str) -> str:
        """Send a line over a connection that stays open, and return the line that answers it."""
        where = (host, port)
        try:
            self._stream(where).sendall(text.encode() + b"\n")
            return self._line(where).decode()
        except BaseException:
            self._close(where)
            raise

    def datagram(
        self,
        host: str,
        port: int,
        message: Mapping[str, object],
        *,
        within: float | None = None,
    ) -> Any:
        """Send a JSON object as a datagram, and return the one that answers it.

        A number is added as `request`, which the answer must repeat. It waits `within` seconds
        if that is less than what is left.
        """
        until = time.monotonic() + (self.timeout if within is None else within)
        number = f"{self.process}-{self._asked}"
        made = self._datagram_socket()
        data = json.dumps({**message, "request": number}).encode()
        made.sendto(data, (self._address(host), port))
        while True:
            made.settimeout(self._left(until))
            try:
                answer = json.loads(made.recv(LARGEST))
            except ValueError:
                continue
            if isinstance(answer, dict) and answer.get("request") == number:
                return answer

    def text(self, host: str, port: int, words: str, *, within: float | None = None) -> str:
        """Send `ID WORDS` as a datagram, and return what stands behind the ID in the answer.

        The ID is that of this operation, the same each time it is asked. It waits `within` seconds
        if that is less than what is left.
        """
        until = time.monotonic() + (self.timeout if within is None else within)
        number = f"{self.process}-{self._asked}"
        made = self._datagram_socket()
        made.sendto(f"{number} {words}".encode(), (self._address(host), port))
        while True:
            made.settimeout(self._left(until))
            head, _, rest = made.recv(LARGEST).decode(errors="replace").partition(" ")
            if head.strip() == number:
                return rest.rstrip("\r\n")

    def http(
        self, host: str, port: int, path: str, body: str | None = None, *, method: str = ""
    ) -> tuple[int, str]:
        """Send a request by HTTP/1.0 and return the status and the body of the answer.

        The method is GET without a body, and POST with one, unless given.
        """
        method = method or ("GET" if body is None else "POST")
        data = (body or "").encode()
        head = f"{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {len(data)}\r\n\r\n"
        where = (host, port)
        try:
            stream = self._stream(where)
            stream.sendall(head.encode() + data)
            answer = self._all(stream)
        finally:
            self._close(where)
        top, _, content = answer.partition(b"\r\n\r\n")
        words = top.split(b" ", 2)
        if len(words) < 2 or not words[1].isdigit():
            raise EOFError
        return int(words[1]), content.decode(errors="replace")

    def redis(self, host: str, port: int, *words: object) -> Any:
        """Send a command in Redis' protocol and return its reply; an error refuses it."""
        where = (host, port)
        parts = [str(word).encode() for word in words]
        data = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        try:
            self._stream(where).sendall(data)
            reply = self._reply(where)
        except BaseException:
            self._close(where)
            raise
        if isinstance(reply, Refused):
            raise reply
        return reply

    # --- sockets

    def _left(self, until: float = float("inf")) -> float:
        left = min(self._deadline, until) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _datagram_socket(self) -> socket.socket:
        if self._datagrams is None:
            self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        return self._datagrams

    def _address(self, host: str) -> str:
        if host not in self._addresses:
            self._addresses[host] = socket.gethostbyname(host)
        return self._addresses[host]

    def _stream(self, where: tuple[str, int]) -> socket.socket:
        """The connection to a port of a host, made if necessary."""
        if where not in self._streams:
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                made.settimeout(self._left())
                made.connect((self._address(where[0]), where[1]))
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except TimeoutError:
                made.close()
                raise Refused("no connection") from None  # nothing was sent
            except BaseException:
                made.close()
                raise
            self._streams[where] = made
            self._rest[where] = b""
        found = self._streams[where]
        found.settimeout(self._left())
        return found

    def _line(self, where: tuple[str, int]) -> bytes:
        return self._until(where, b"\n").rstrip(b"\r")

    def _until(self, where: tuple[str, int], end: bytes) -> bytes:
        while end not in self._rest[where]:
            self._more(where)
        line, _, self._rest[where] = self._rest[where].partition(end)
        return line

    def _exactly(self, where: tuple[str, int], count: int) -> bytes:
        while len(self._rest[where]) < count:
            self._more(where)
        found, self._rest[where] = self._rest[where][:count], self._rest[where][count:]
        return found

    def _more(self, where: tuple[str, int]) -> None:
        data = self._stream(where).recv(PIECE)
        if not data:
            raise EOFError
        self._rest[where] += data

    def _all(self, stream: socket.socket) -> bytes:
        data = b""
        while True:
            stream.settimeout(self._left())
            piece = stream.recv(PIECE)
            if not piece:
                return data
            data += piece

    def _reply(self, where: tuple[str, int]) -> Any:
        """One value of RESP 2; an error is returned, so that the rest of a list is read."""
        line = self._until(where, b"\r\n")
        kind, text = line[:1], line[1:].decode()
        if kind == b"+":
            return text
        if kind == b"-":
            return Refused(text)
        if kind == b":":
            return int(text)
        if kind == b"$":
            if int(text) < 0:
                return None
            return self._exactly(where, int(text) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._reply(where) for _ in range(int(text))]
        raise EOFError

    def _close(self, where: tuple[str, int]) -> None:
        found = self._streams.pop(where, None)
        if found is not None:
            with contextlib.suppress(OSError):
                found.close()

    def _hang_up(self) -> None:
        """Leave all connections: an answer to an old request must not answer a new one."""
        for where in tuple(self._streams):
            self._close(where)
