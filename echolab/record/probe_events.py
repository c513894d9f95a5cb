"""A probe's output, one JSON event per line (see `echo_app.probe`), read as a `Probe`."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping

from echolab.errors import BadInput, CannotRun
from echolab.record.format import load, read
from echolab.record.probe import Exchange, Probe, latency
from echolab.record.values import Json


@dataclasses.dataclass(frozen=True)
class Start:
    """The event `start`: what is measured."""

    target: str
    protocol: str
    count: int
    size: int
    interval: float


@dataclasses.dataclass(frozen=True)
class End:
    """The event `end`: the probe's own sums."""

    delivered: int
    lost: int
    late: int
    duplicated: int
    out_of_order: int
    retransmits: int | None
    seconds: float


@dataclasses.dataclass(frozen=True)
class Connected:
    """The event `connected`: how long it took."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Trouble:
    """The event `error`: what the network or the peer said."""

    why: str


KINDS = (Start, End, Connected, Trouble, Exchange)
"""What the events of a probe are read as."""


def read_probe(host: str, lines: Iterable[str], started: float) -> Probe:
    """The probe whose events these lines are; `started` is the lab second of its start.

    Raises CannotRun if the account is cut short or its figures contradict each other.
    """
    try:
        probe, end = _probe(host, _events(lines, f"the probe on {host}"), started)
    except BadInput as error:
        raise CannotRun(error.message, "send fewer messages, or report it") from None
    for name in ("delivered", "lost", "late", "duplicated"):
        if getattr(probe, name) != getattr(end, name):
            raise CannotRun(
                f"the probe on {host} says {getattr(end, name)} {name}, its messages say "
                f"{getattr(probe, name)}",
                "do not trust this run",
            )
    return probe


def _events(lines: Iterable[str], where: str) -> Mapping[str, list[Mapping[str, Json]]]:
    """The events by their name, in order."""
    events: dict[str, list[Mapping[str, Json]]] = defaultdict(list)
    for line in lines:
        if line.strip():
            event = load(line, f"a line of {where}, {line[:80]!r},")
            if not isinstance(event, dict) or not isinstance(event.get("event"), str):
                raise BadInput(f"{where} printed what is not an event: {line[:80]}")
            events[event["event"]].append(event)
    if not events["start"] or not events["end"]:
        raise BadInput(f"{where} ended before it had told everything")
    return events


def _probe(
    host: str, events: Mapping[str, list[Mapping[str, Json]]], started: float
) -> tuple[Probe, End]:
    where = f"the probe on {host}"
    start, end = read(Start, events["start"][0], where), read(End, events["end"][0], where)
    exchanges = tuple(read(Exchange, event, where) for event in events["exchange"])
    connected = [read(Connected, event, where).seconds for event in events["connected"]]
    told = events["tcp_info"][-1] if events["tcp_info"] else {}
    probe = Probe(
        host=host,
        target=start.target,
        protocol=start.protocol,
        count=start.count,
        delivered=sum(item.fate == "delivered" for item in exchanges),
        lost=sum(item.fate == "lost" for item in exchanges),
        late=sum(item.fate == "late" for item in exchanges),
        duplicated=sum(item.duplicates for item in exchanges),
        out_of_order=end.out_of_order,
        latency=latency([item.latency for item in exchanges if item.latency is not None]),
        retransmits=end.retransmits or 0,
        connect=latency(connected),
        size=start.size,
        interval=start.interval,
        started=started,
        ended=None,
        seconds=end.seconds,
        kernel={},
        errors=tuple(read(Trouble, event, where).why for event in events["error"]),
        tcp_info={name: value for name, value in told.items() if name != "event"},
        exchanges=exchanges,
    )
    return probe, end
