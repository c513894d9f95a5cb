"""What became of each message: delivered, late or lost, how often and in which order.

One rule holds for every protocol: a message answered within the timeout is delivered,
one answered after the timeout is late, one never answered is lost. So delivered + late +
lost is the number of messages. Times are nanoseconds of one clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Exchange(NamedTuple):
    """One message and its reply.

    `sent` is None if the message never left. `received` and `order` (the first reply to
    arrive has order 0) are None if no reply came. `duplicates` counts replies after the
    first. `why` says what is known about a loss.
    """

    number: int
    sent: int | None
    received: int | None
    fate: str
    order: int | None
    duplicates: int
    why: str

    @property
    def latency(self) -> int | None:
        """The time from sending to the reply, in nanoseconds."""
        if self.sent is None or self.received is None:
            return None
        return self.received - self.sent


class Latency(NamedTuple):
    """The latency of all answered messages, including the late ones, in nanoseconds.

    `p99` is the smallest latency that at least 99 % of the messages do not exceed.
    """

    min: int
    median: float
    p99: int
    max: int


class Summary(NamedTuple):
    """The figures of one probe.

    `out_of_order` counts first replies that arrived after one with a higher number.
    `latency` is None if nothing was answered.
    """

    messages: int
    delivered: int
    lost: int
    late: int
    duplicated: int
    out_of_order: int
    latency: Latency | None


class Tally:
    """Notes what leaves and what arrives while the probe runs."""

    def __init__(self, count: int, timeout: int) -> None:
        self.count = count
        self.timeout = timeout
        self.slowest = 0
        self.last_sent: int | None = None
        self.last_arrival: int | None = None
        self._sent: list[int | None] = [None] * count
        self._received: list[int | None] = [None] * count
        self._duplicates = [0] * count
        self._why = [""] * count
        self._arrivals: list[int] = []
        self._failed: set[int] = set()

    def leave(self, number: int, at: int) -> None:
        """Message `number` was handed to the kernel."""
        self._sent[number] = self.last_sent = at

    def arrive(self, number: int, at: int) -> bool:
        """A reply arrived; False if no such message was sent."""
        sent = self._sent[number] if number < self.count else None
        if sent is None:
            return False
        self.last_arrival = at
        if self._received[number] is not None:
            self._duplicates[number] += 1
            return True
        self._received[number] = at
        self._arrivals.append(number)
        self._failed.discard(number)
        self.slowest = max(self.slowest, at - sent)
        return True

    def fail(self, number: int, why: str) -> None:
        """Message `number` is known to stay unanswered."""
        if self._received[number] is None:
            self._failed.add(number)
            self._why[number] = self._why[number] or why

    def abandon(self, why: str) -> None:
        """Give up on every message that has no reply yet."""
        for number in range(self.count):
            self.fail(number, why)

    def settled(self, number: int) -> bool:
        """Whether message `number` needs no more waiting: it was answered, or it failed."""
        return self._received[number] is not None or number in self._failed

    def all_settled(self) -> bool:
        """Whether no message needs any more waiting."""
        return len(self._arrivals) + len(self._failed) == self.count

    def exchanges(self) -> list[Exchange]:
        """Each message's fate so far, ordered by number."""
        order = {number: place for place, number in enumerate(self._arrivals)}
        return [self._exchange(number, order.get(number)) for number in range(self.count)]

    def _exchange(self, number: int, order: int | None) -> Exchange:
        sent, received = self._sent[number], self._received[number]
        if sent is None or received is None:
            fate = "lost"
        else:
            fate = "delivered" if received - sent <= self.timeout else "late"
        why = self._why[number] if fate == "lost" else ""
        return Exchange(number, sent, received, fate, order, self._duplicates[number], why)


def summarize(exchanges: Sequence[Exchange]) -> Summary:
    """The figures of a probe from its exchanges."""
    fates = [exchange.fate for exchange in exchanges]
    arrived = sorted(
        (exchange.order, exchange.number) for exchange in exchanges if exchange.order is not None
    )
    highest, out_of_order = -1, 0
    for _, number in arrived:
        out_of_order += number < highest
        highest = max(highest, number)
    latencies = [latency for exchange in exchanges if (latency := exchange.latency) is not None]
    return Summary(
        messages=len(exchanges),
        delivered=fates.count("delivered"),
        lost=fates.count("lost"),
        late=fates.count("late"),
        duplicated=sum(exchange.duplicates for exchange in exchanges),
        out_of_order=out_of_order,
        latency=measure(latencies),
    )


def measure(latencies: Sequence[int]) -> Latency | None:
    """The smallest, median, 99th percentile (nearest rank) and largest latency."""
    if not latencies:
        return None
    ranked = sorted(latencies)
    count = len(ranked)
    median = (ranked[(count - 1) // 2] + ranked[count // 2]) / 2
    return Latency(ranked[0], median, ranked[(99 * count + 99) // 100 - 1], ranked[-1])
