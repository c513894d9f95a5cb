"""Messages of Maelstrom's protocol as datagrams: one message, one datagram, from host to host.

A message is a JSON object with `src`, `dest` and `body`. The names of nodes, clients and services
are those of their hosts (Maelstrom's documentation, "Protocol").
"""

from __future__ import annotations

import json
import re
import socket
import time
from typing import Any

PORT = 4000

LARGEST = 65507
"""Bytes that a datagram over IPv4 can carry: 65,535 without two headers of 20 and 8."""

SERVICES = ("lin-kv", "seq-kv", "lww-kv", "lin-tso")

NODE, CLIENT = re.compile(r"n\d+"), re.compile(r"c\d+")

NODE_NOT_FOUND = 1
NOT_SUPPORTED = 10
MALFORMED = 12
CRASH = 13
MISSING_KEY = 20
UNEQUAL = 22

INDEFINITE = (0, CRASH)
"""Those of Maelstrom's errors that leave open whether something was done."""

RESERVED = 1000
"""From this number on an error is the program's own, and leaves everything open."""

Message = dict[str, Any]


class TooLong(Exception):
    """A message that does not fit into one datagram."""


class Wire:
    """Where a host sends and receives messages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("", PORT))
        self._addresses: dict[str, str] = {}

    def send(self, dest: str, body: Message) -> None:
        """Send a message; it may be lost. Raises as `put` does."""
        message = {"src": self.name, "dest": dest, "body": body}
        self.put(dest, json.dumps(message).encode())

    def put(self, dest: str, data: bytes) -> None:
        """Send a message as it is written.

        Raises LookupError for an unknown host, TooLong for a message that no datagram holds.
        """
        if len(data) > LARGEST:
            raise TooLong(f"a message to {dest} has {len(data)} bytes; a datagram holds {LARGEST}")
        if dest not in self._addresses:
            try:
                self._addresses[dest] = socket.gethostbyname(dest)
            except OSError:
                raise LookupError(dest) from None
        try:
            self.socket.sendto(data, (self._addresses[dest], PORT))
        except OSError:
            return  # as if it were lost

    def receive(self, until: float) -> Message | None:
        """The next message, or None if none comes until that moment (time.monotonic)."""
        wait = max(until - time.monotonic(), 1e-6)
        self.socket.settimeout(None if wait == float("inf") else wait)
        try:
            data = self.socket.recv(LARGEST)
        except OSError:
            return None
        message: Message = json.loads(data)
        return message

    def close(self) -> None:
        """Receive no more."""
        self.socket.close()


def failed(request: Message, code: int, text: str) -> Message:
    """The body of an error that answers the body of a request."""
    return {"type": "error", "in_reply_to": request.get("msg_id"), "code": code, "text": text}
