"""What a probe measured: numbered echoes, their fates and their latencies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

Fate: TypeAlias = Literal["delivered", "late", "lost"]


@dataclasses.dataclass(frozen=True)
class Latency:
    """Minimum, median, 99th percentile and maximum of a set of latencies, in seconds."""

    min: float
    median: float
    p99: float
    max: float

    def milliseconds(self) -> Mapping[str, float]:
        """The same in milliseconds, to the nanosecond, as a record holds it."""
        return {
            "min": round(self.min * 1e3, 6),
            "median": round(self.median * 1e3, 6),
            "p99": round(self.p99 * 1e3, 6),
            "max": round(self.max * 1e3, 6),
        }


def latency(seconds: Sequence[float]) -> Latency | None:
    """The latency of a set of measurements, None for an empty one.

    The median of an even number is the mean of the middle two; the 99th percentile is the
    nearest rank.
    """
    if not seconds:
        return None
    ordered = sorted(seconds)
    count = len(ordered)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    rank = min(count - 1, max(0, -(-99 * count // 100) - 1))
    return Latency(ordered[0], middle, ordered[rank], ordered[-1])


@dataclasses.dataclass(frozen=True)
class Exchange:
    """One numbered message and its answer, in seconds from the probe's start.

    `sent` is None if the message never left, `received` if no answer came. `order`
    counts the answers in order of arrival, from 0; `duplicates` are further answers.
    """

    number: int
    sent: float | None
    received: float | None
    fate: Fate
    order: int | None
    duplicates: int

    @property
    def latency(self) -> float | None:
        """Seconds from sending to the answer; None if there was none."""
        if self.sent is None or self.received is None:
            return None
        return self.received - self.sent


@dataclasses.dataclass(frozen=True)
class Probe:
    """What `lab.probe` saw. `count` = `delivered` + `late` + `lost`.

    `latency` is over all answered messages, None if none was; `connect` over the
    connections made; `retransmits` are segments that the client's kernel sent again.
    `started` and `ended` are in lab seconds; `seconds` is how long the probe took by its
    own clock. `kernel` is what the host's kernel counted meanwhile (`COUNTED`), empty if
    other programs ran on the host too.
    """

    host: str
    target: str
    protocol: str
    count: int
    delivered: int
    lost: int
    late: int
    duplicated: int
    out_of_order: int
    latency: Latency | None
    retransmits: int
    connect: Latency | None
    size: int
    interval: float
    started: float
    ended: float | None
    seconds: float
    kernel: Mapping[str, int]
    errors: tuple[str, ...]
    tcp_info: Mapping[str, object]
    exchanges: tuple[Exchange, ...]

    @property
    def answered(self) -> int:
        """Messages whose answer came, in time or late."""
        return self.delivered + self.late

    @property
    def median(self) -> float:
        """Median latency in seconds; infinite if nothing was answered."""
        return self.latency.median if self.latency else float("inf")

    def runs_of_losses(self) -> tuple[int, ...]:
        """Lengths of the runs of messages lost one after another."""
        runs, length = [], 0
        for exchange in self.exchanges:
            if exchange.fate == "lost":
                length += 1
            elif length:
                runs.append(length)
                length = 0
        return tuple([*runs, length] if length else runs)


COUNTED = ("Udp.InDatagrams", "Udp.OutDatagrams", "Tcp.RetransSegs")
"""What a host's kernel counts while a probe runs: datagrams that programs received and sent,
and segments sent again (RFC 4113, RFC 4022)."""
