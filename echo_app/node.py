"""A node of a distributed system: JSON datagrams, timers, a disk; one thing at a time.

A subclass has a method `on_KIND` for each kind of message that it understands. It is called with
the message, whose member `sender` is the name of the host that sent it, or "" for a client.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import random
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PORT = 4000

LARGEST = 65535

Message = dict[str, Any]


class Node:
    """One node, on the host of its name; `peers` are the names of the others."""

    def __init__(self, peers: Iterable[str], disk: Path = Path("/tmp")) -> None:  # noqa: S108
        self.name = os.environ.get("HOSTNAME", "")
        self.peers = [peer for peer in peers if peer != self.name]
        self.random = random.Random(int.from_bytes(os.urandom(8)))  # noqa: S311 (no secret)
        self._disk = disk
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("", PORT))
        self._addresses: dict[str, str] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def send(self, peer: str, kind: str, **message: Any) -> None:
        """Send a peer a message; it may be lost."""
        if peer not in self._addresses:
            self._addresses[peer] = socket.gethostbyname(peer)
        where = (self._addresses[peer], PORT)
        self._put({**message, "kind": kind, "sender": self.name}, where)

    def send_all(self, kind: str, **message: Any) -> None:
        """Send all peers a message."""
        for peer in self.peers:
            self.send(peer, kind, **message)

    def answer(self, request: Message, **message: Any) -> None:
        """Answer a client's request."""
        self._put({**message, "request": request["request"]}, tuple(request["from"]))

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` once, after a time."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), action))

    def save(self, **state: Any) -> None:
        """Write the state to the disk, whole or not at all."""
        draft = self._disk / "state.draft"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._disk / "state.json")

    def load(self) -> Message:
        """The state that was written last; empty if none was written."""
        try:
            state: Message = json.loads((self._disk / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return state

    def run(self) -> None:
        """Serve for ever."""
        while True:
            self._wait()
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()

    def _wait(self) -> None:
        """Receive one message, or none until the next timer is due."""
        if self._timers:
            self._socket.settimeout(max(self._timers[0][0] - time.monotonic(), 1e-6))
        else:
            self._socket.settimeout(None)
        try:
            data, where = self._socket.recvfrom(LARGEST)
        except OSError:
            return
        message = json.loads(data)
        message.setdefault("sender", "")
        message["from"] = where
        getattr(self, f"on_{message['kind']}")(message)

    def _put(self, message: Message, where: tuple[Any, ...]) -> None:
        try:
            self._socket.sendto(json.dumps(message).encode(), where)
        except OSError:
            return  # as if it were lost
