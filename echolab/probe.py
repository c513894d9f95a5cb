"""What a probe measured: numbered echoes, their fates and their latencies."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from echolab.errors import CannotRun
from echolab.record import Latency, latency


@dataclasses.dataclass(frozen=True)
class Exchange:
    """One numbered message: when it left, when its answer came, both in seconds from the
    probe's start; `order` counts the answers in order of arrival, from 0; `fate` is
    `delivered`, `late` or `lost`.
    """

    number: int
    sent: float
    received: float | None
    fate: str
    order: int | None
    duplicates: int

    @property
    def latency(self) -> float | None:
        """Seconds from sending to the answer; None where none came."""
        return None if self.received is None else self.received - self.sent


@dataclasses.dataclass(frozen=True)
class Probe:
    """What `lab.probe` saw. `count` = `delivered` + `late` + `lost`.

    `latency` is over all answered messages, None where none was; `connect` over the
    connections made; `retransmits` are segments that the client's kernel sent again.
    `started` and `ended` are in lab seconds; `seconds` is how long the probe took by its
    own clock. `kernel` is what the host's kernel counted meanwhile, empty where other
    programs ran on the host too.
    """

    host: str
    target: str
    protocol: str
    count: int
    size: int
    interval: float
    delivered: int
    lost: int
    late: int
    duplicated: int
    out_of_order: int
    retransmits: int
    latency: Latency | None
    connect: Latency | None
    exchanges: tuple[Exchange, ...]
    errors: tuple[str, ...]
    tcp_info: Mapping[str, Any]
    started: float
    seconds: float
    ended: float | None = None
    kernel: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def answered(self) -> int:
        """Messages whose answer came, in time or late."""
        return self.delivered + self.late

    @property
    def median(self) -> float:
        """Median latency in seconds; infinite where nothing was answered."""
        return self.latency.median if self.latency else float("inf")

    def runs_of_losses(self) -> tuple[int, ...]:
        """Lengths of the runs of messages lost one after the other."""
        runs, length = [], 0
        for exchange in self.exchanges:
            if exchange.fate == "lost":
                length += 1
            elif length:
                runs.append(length)
                length = 0
        return tuple([*runs, length] if length else runs)

    def to_json(self) -> dict[str, Any]:
        """The probe as a record holds it; each exchange is a list in `exchange_fields` order."""
        return {
            "host": self.host,
            "target": self.target,
            "protocol": self.protocol,
            "count": self.count,
            "delivered": self.delivered,
            "lost": self.lost,
            "late": self.late,
            "duplicated": self.duplicated,
            "out_of_order": self.out_of_order,
            "latency_ms": self.latency.milliseconds() if self.latency else None,
            "retransmits": self.retransmits,
            "connect_ms": self.connect.milliseconds() if self.connect else None,
            "size": self.size,
            "interval": self.interval,
            "started": self.started,
            "ended": self.ended,
            "seconds": self.seconds,
            "kernel": dict(self.kernel),
            "errors": list(self.errors),
            "tcp_info": dict(self.tcp_info),
            "exchange_fields": [field.name for field in dataclasses.fields(Exchange)],
            "exchanges": [
                [item.number, item.sent, item.received, item.fate, item.order, item.duplicates]
                for item in self.exchanges
            ],
        }


def read(host: str, lines: Iterable[str], started: float) -> Probe:
    """The probe that a run of `echo_app.probe` printed, one JSON line an event.

    Raises CannotRun where the account is cut short or its figures contradict each other.
    """
    events: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line.strip():
            event = _event(host, line)
            events.setdefault(event["event"], []).append(event)
    if "start" not in events or "end" not in events:
        raise CannotRun(f"the probe on {host} ended before its account was whole", "run it again")
    start, end = events["start"][0], events["end"][0]
    exchanges = tuple(_exchange(event) for event in events.get("exchange", []))
    connects = [event["seconds"] for event in events.get("connected", [])]
    probe = Probe(
        host=host,
        target=start["target"],
        protocol=start["protocol"],
        count=start["count"],
        size=start["size"],
        interval=start["interval"],
        delivered=sum(item.fate == "delivered" for item in exchanges),
        lost=sum(item.fate == "lost" for item in exchanges),
        late=sum(item.fate == "late" for item in exchanges),
        duplicated=sum(item.duplicates for item in exchanges),
        out_of_order=end["out_of_order"],
        retransmits=end["retransmits"] or 0,
        latency=latency([item.latency for item in exchanges if item.latency is not None]),
        connect=latency(connects),
        exchanges=exchanges,
        errors=tuple(str(event.get("why", "")) for event in events.get("error", [])),
        tcp_info={k: v for k, v in events.get("tcp_info", [{}])[-1].items() if k != "event"},
        started=started,
        seconds=end["seconds"],
    )
    for name in ("delivered", "lost", "late", "duplicated"):
        if getattr(probe, name) != end[name]:
            raise CannotRun(
                f"the probe on {host} says {end[name]} {name}, its messages say "
                f"{getattr(probe, name)}",
                "do not trust this run",
            )
    return probe


def _event(host: str, line: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        raise CannotRun(
            f"the probe on {host} printed what is no event: {line[:80]}", "send fewer messages"
        ) from None
    return event


def _exchange(event: Mapping[str, Any]) -> Exchange:
    return Exchange(
        number=event["number"],
        sent=event["sent"],
        received=event["received"],
        fate=event["fate"],
        order=event["order"],
        duplicates=event["duplicates"],
    )
