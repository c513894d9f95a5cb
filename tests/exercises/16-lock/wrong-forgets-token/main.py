"""Mistake: after a loss of power the tokens begin at 1 again."""

import os
import socket
import sys
import time

LEASE = 1.0


def load(file: str) -> list[str]:
    """The words that were kept in a file; none if nothing was."""
    try:
        with open(file) as kept:
            return kept.read().split()
    except FileNotFoundError:
        return []


def keep(file: str, *words: object) -> None:
    with open(file + ".new", "w") as kept:
        kept.write(" ".join(map(str, words)))
        kept.flush()
        os.fsync(kept.fileno())
    os.rename(file + ".new", file)


class Lock:
    def __init__(self) -> None:
        self.token = 0
        self.until = time.monotonic() + LEASE

    def answer(self, verb: str, words: list[str]) -> str:
        if verb == "release":
            if int(words[0]) != self.token or time.monotonic() >= self.until:
                return "gone"
            self.until = 0.0
            return "ok"
        if time.monotonic() < self.until:
            return "busy"
        self.token += 1
        self.until = time.monotonic() + LEASE
        return f"{self.token}"


class Store:
    def __init__(self) -> None:
        token, self.value = load("value") or ["0", "empty"]
        self.token = int(token)

    def answer(self, verb: str, words: list[str]) -> str:
        token = int(words[0])
        if token < self.token:
            return "stale"
        value = words[1] if verb == "write" else self.value
        if (token, value) != (self.token, self.value):
            keep("value", token, value)
        self.token, self.value = token, value
        return "ok" if verb == "write" else value


_, role, port = sys.argv
node = Lock() if role == "lock" else Store()
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", int(port)))
while True:
    data, client = here.recvfrom(1000)
    request, verb, *words = data.decode().split()
    here.sendto(f"{request} {node.answer(verb, words)}\n".encode(), client)
