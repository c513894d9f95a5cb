"""The messages of a probe as a report shows them: one fate each, in order of number."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

ANSWERED, LATE, LOST, OVERTAKEN, TWICE = "answered", "late", "lost", "out of order", "twice"

FATES = (ANSWERED, LATE, LOST, OVERTAKEN, TWICE)
"""What a strip tells apart. Of two that hold, the later one in this list is shown."""

PROTOCOLS = {
    "udp": "datagrams",
    "tcp": "one stream",
    "tcp-connect": "a connection for each message",
}
"""What the protocols of a probe are called in a report."""


@dataclasses.dataclass(frozen=True)
class Message:
    """One message: seconds from the probe's start to its sending, to its answer, its fate."""

    number: int
    sent: float | None
    received: float | None
    fate: str

    @property
    def latency(self) -> float | None:
        """Seconds from sending to the answer; None where there was none."""
        if self.sent is None or self.received is None:
            return None
        return self.received - self.sent


@dataclasses.dataclass(frozen=True)
class Series:
    """All messages of one probe, with the name and the look that figures give it."""

    name: str
    look: int
    protocol: str
    messages: tuple[Message, ...]

    @property
    def latencies(self) -> list[float]:
        """Latencies in seconds of all that were answered, smallest first."""
        return sorted(one.latency for one in self.messages if one.latency is not None)

    def count(self, fate: str) -> int:
        """Messages of one fate."""
        return sum(message.fate == fate for message in self.messages)


def series(record: Mapping[str, Any]) -> tuple[Series, ...]:
    """The series of every probe of a record, in its order; names are made unlike."""
    found: list[Series] = []
    for look, probe in enumerate(record["probes"]):
        name = PROTOCOLS.get(probe["protocol"], probe["protocol"])
        if _several_ways(record):
            name = f"{name}, {probe['host']} to {probe['target']}"
        alike = sum(one.name.partition(" #")[0] == name for one in found)
        if alike:
            name = f"{name} #{alike + 1}"
        found.append(Series(name, look, probe["protocol"], tuple(_messages(probe))))
    return tuple(found)


def _several_ways(record: Mapping[str, Any]) -> bool:
    return len({(probe["host"], probe["target"]) for probe in record["probes"]}) > 1


def _messages(probe: Mapping[str, Any]) -> Sequence[Message]:
    place = {name: index for index, name in enumerate(probe["exchange_fields"])}
    rows = sorted(probe["exchanges"], key=lambda row: int(row[place["number"]]))
    overtaken = _out_of_order(rows, place)
    messages = []
    for row in rows:
        number = row[place["number"]]
        fate = {"late": LATE, "lost": LOST}.get(row[place["fate"]], ANSWERED)
        if number in overtaken:
            fate = OVERTAKEN
        if row[place["duplicates"]]:
            fate = TWICE
        messages.append(Message(number, row[place["sent"]], row[place["received"]], fate))
    return messages


def _out_of_order(rows: Sequence[Sequence[Any]], place: Mapping[str, int]) -> set[int]:
    """Messages whose first answer came after that of a higher number."""
    answered = [row for row in rows if row[place["order"]] is not None]
    answered.sort(key=lambda row: int(row[place["order"]]))
    highest, found = -1, set()
    for row in answered:
        number = int(row[place["number"]])
        if number < highest:
            found.add(number)
        highest = max(highest, number)
    return found
