"""The messages of a probe as a report shows them: each has one fate, in order of number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from echolab.language import later
from echolab.language import translate as _
from echolab.record import Exchange, Probe, Record

ANSWERED, LATE, LOST = later("answered"), later("late"), later("lost")
OVERTAKEN, TWICE = later("out of order"), later("twice")

FATES = (ANSWERED, LATE, LOST, OVERTAKEN, TWICE)
"""The fates a strip distinguishes. If several hold, the last one in this list is shown."""

PROTOCOLS = {
    "udp": later("datagrams"),
    "tcp": later("one stream"),
    "tcp-connect": later("a connection for each message"),
}
"""What a report calls the protocols of a probe."""


@dataclasses.dataclass(frozen=True)
class Message:
    """One message: seconds from the probe's start to its sending, to its answer, its fate."""

    number: int
    sent: float | None
    received: float | None
    fate: str

    @property
    def latency(self) -> float | None:
        """Seconds from sending to the answer; None if there was no answer."""
        if self.sent is None or self.received is None:
            return None
        return self.received - self.sent


@dataclasses.dataclass(frozen=True)
class Series:
    """All messages of one probe, with the name and the look that figures use for it."""

    name: str
    look: int
    protocol: str
    messages: tuple[Message, ...]

    @property
    def latencies(self) -> list[float]:
        """Latencies in seconds of all answered messages, smallest first."""
        return sorted(one.latency for one in self.messages if one.latency is not None)

    def count(self, fate: str) -> int:
        """The number of messages with one fate."""
        return sum(message.fate == fate for message in self.messages)


def series(record: Record) -> tuple[Series, ...]:
    """The series of every probe of a record, in its order, each with a name of its own."""
    found: list[Series] = []
    several = len({(probe.host, probe.target) for probe in record.probes}) > 1
    for look, probe in enumerate(record.probes):
        name = _(PROTOCOLS.get(probe.protocol, probe.protocol))
        if several:
            name = _("{name}, {host} to {target}").format(
                name=name, host=probe.host, target=probe.target
            )
        alike = sum(one.name.partition(" #")[0] == name for one in found)
        if alike:
            name = f"{name} #{alike + 1}"
        found.append(Series(name, look, probe.protocol, tuple(_messages(probe))))
    return tuple(found)


def of_probe(probe: Probe) -> Series:
    """The series of one probe that is shown alone."""
    name = PROTOCOLS.get(probe.protocol, probe.protocol)
    return Series(name, 0, probe.protocol, tuple(_messages(probe)))


def _messages(probe: Probe) -> Iterator[Message]:
    overtaken = _out_of_order(probe.exchanges)
    for exchange in sorted(probe.exchanges, key=lambda exchange: exchange.number):
        fate = {"late": LATE, "lost": LOST}.get(exchange.fate, ANSWERED)
        if exchange.number in overtaken:
            fate = OVERTAKEN
        if exchange.duplicates:
            fate = TWICE
        yield Message(exchange.number, exchange.sent, exchange.received, fate)


def _out_of_order(exchanges: Iterable[Exchange]) -> set[int]:
    """Messages whose first answer came after that of a higher number."""
    answered = [(one.order, one.number) for one in exchanges if one.order is not None]
    highest, found = -1, set()
    for _order, number in sorted(answered):
        if number < highest:
            found.add(number)
        highest = max(highest, number)
    return found
