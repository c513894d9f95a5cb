"""Figures of a run of Maelstrom's workloads: operations, latencies, messages between nodes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from echolab.history.values import History, Operation
from echolab.maelstrom import checks
from echolab.record import Json

SHARES = {"median": 0.5, "0.95": 0.95, "0.99": 0.99, "max": 1.0}


def quantiles(seconds: Sequence[float]) -> dict[str, Json]:
    """The median, the quantiles 0.95 and 0.99, and the largest, in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        name: round(ordered[max(math.ceil(share * len(ordered)) - 1, 0)] * 1e3, 3)
        for name, share in SHARES.items()
    }


def operations(history: History) -> dict[str, Json]:
    """How many operations of each function there were, by outcome, and their latencies."""
    found: dict[str, Json] = {}
    for function in dict.fromkeys(one.function for one in history):
        own = [one for one in history if one.function == function]
        counts: dict[str, Json] = {
            outcome: sum(one.outcome == outcome for one in own)
            for outcome in ("ok", "fail", "unknown")
        }
        found[function] = {"count": len(own), **counts, "latency_ms": quantiles(_latencies(own))}
    return found


def _latencies(operations: Sequence[Operation]) -> list[float]:
    return [
        one.completed - one.invoked
        for one in operations
        if one.outcome == "ok" and one.completed is not None
    ]


def stable(history: History, added: str) -> list[float]:
    """How many seconds after its acknowledgement each element was still missing in some read.

    0 for an element that was in all reads from then on; one that is missing in the last read of
    a node is left out.
    """
    reads = sorted(
        (one for one in history if one.function == "read" and one.outcome == "ok"),
        key=lambda one: one.invoked,
    )
    contents = [(one, checks.elements(one)) for one in reads]
    last = {one.process: held for one, held in contents}
    found = []
    for one in history:
        if one.function != added or one.outcome != "ok" or one.completed is None:
            continue
        if any(one.argument not in held for held in last.values()):
            continue
        missing = [
            read.invoked
            for read, held in contents
            if read.invoked > one.completed and one.argument not in held
        ]
        found.append(max(missing) - one.completed if missing else 0.0)
    return found


def messages(sent: Mapping[str, int], count: int) -> dict[str, Json]:
    """How many messages nodes sent to whom, and how many between nodes for each operation."""
    between = sent.get("nodes", 0)
    return {**sent, "between_nodes_per_operation": round(between / count, 3) if count else 0.0}


def lines(figures: Mapping[str, Json]) -> Iterator[str]:
    """The figures as text."""
    head = "".join(f"{name:>9}" for name in ("count", "ok", "fail", "unknown", *SHARES))
    yield f"{'operations':14}{head}   (ms)"
    by_function = figures["operations"]
    assert isinstance(by_function, dict)
    for function, told in by_function.items():
        assert isinstance(told, dict) and isinstance(told["latency_ms"], dict)
        counts = "".join(f"{told[name]:>9}" for name in ("count", "ok", "fail", "unknown"))
        yield f"{function:14}{counts}{_times(told['latency_ms'])}"
    late = figures.get("stable_latency_ms")
    if isinstance(late, dict) and late:
        yield f"{'stable after':14}{'':36}{_times(late)}"
    sent = figures["messages"]
    assert isinstance(sent, dict)
    yield (
        f"messages: {sent.get('nodes', 0)} between nodes, "
        f"{sent['between_nodes_per_operation']:g} for each operation; "
        f"{sent.get('services', 0)} to services"
    )


def _times(latency: Mapping[str, Json]) -> str:
    return "".join(f"{latency.get(name, ''):>9}" for name in SHARES)
