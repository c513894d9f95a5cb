"""What the fixtures of this room hand to its tests."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Event = dict[str, Any]
Datagram = tuple[bytes, tuple[str, int]]
Treatment = Callable[[socket.socket, Iterator[Datagram]], object]

Completed = subprocess.CompletedProcess[str]
Process = subprocess.Popen[str]
Execute = Callable[[Sequence[object]], Completed]
Command = Callable[..., list[object]]
Start = Callable[..., Process]
ServeStreams = Callable[..., int]
ServeDatagrams = Callable[[Treatment], int]


class Outcome:
    """What a probe wrote, checked for what always holds."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.events: list[Event] = [json.loads(line) for line in text.splitlines()]
        self.start = self.events[0]
        self.end = self.events[-1]
        self.exchanges = self.named("exchange")
        assert self.start["event"] == "start"
        assert self.end["event"] == "end"
        assert [one["number"] for one in self.exchanges] == list(range(self.end["count"]))
        fates = [one["fate"] for one in self.exchanges]
        for fate in ("delivered", "late", "lost"):
            assert self.end[fate] == fates.count(fate)
        assert self.end["delivered"] + self.end["late"] + self.end["lost"] == self.end["count"]

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event["event"] == name]

    def fates(self) -> list[str]:
        return [one["fate"] for one in self.exchanges]


Measure = Callable[..., Outcome]
