"""The figures of a run that a sweep can show: its probes' counts, and what its claims saw.

A probe is named after what it sends: `datagrams`, `stream`, `connections`; a second one of the same
kind is `datagrams2`. A claim is named by its text.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from echolab.errors import BadInput
from echolab.judge.verdicts import WILSON, wilson
from echolab.record import Claim, Probe, Record

KINDS = {"udp": "datagrams", "tcp": "stream", "tcp-connect": "connections"}

COUNTS = ("lost", "late", "delivered", "answered", "duplicated", "out_of_order")
"""A probe's counts of messages, shown as shares of all its messages."""

LATENCIES = ("min", "median", "p99", "max")


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of one run: its value, the total if it is a count (0 for none), its theory."""

    value: float
    of: int = 0
    theory: float | None = None


def figures(record: Record) -> dict[str, Figure]:
    """Every figure of a record, by its name."""
    found: dict[str, Figure] = {}
    rates = {claim.trials[:2]: claim.trials[2] for claim in record.claims if claim.kind == "rate"}
    seen: Counter[str] = Counter()
    for probe in record.probes:
        kind = KINDS.get(probe.protocol, probe.protocol)
        seen[kind] += 1
        name = kind if seen[kind] == 1 else f"{kind}{seen[kind]}"
        found |= {f"{name}.{key}": one for key, one in _of_probe(probe, rates).items()}
    for claim in record.claims:
        made = _of_claim(claim)
        if made is not None:
            found[claim.text] = made
    return found


def _of_probe(probe: Probe, rates: Mapping[tuple[int, int], float]) -> dict[str, Figure]:
    counts = {
        name: Figure(number, probe.count, rates.get((number, probe.count)))
        for name in COUNTS
        for number in [int(getattr(probe, name))]
    }
    counts["retransmits"] = Figure(probe.retransmits)
    if probe.latency is not None:
        counts |= {name: Figure(getattr(probe.latency, name)) for name in LATENCIES}
    return counts


def _of_claim(claim: Claim) -> Figure | None:
    if claim.kind == "rate":
        number, of, theory = claim.trials
        return Figure(number, of, theory)
    if isinstance(claim.seen, bool) or not isinstance(claim.seen, (int, float)):
        return None
    known = isinstance(claim.theory, (int, float)) and not isinstance(claim.theory, bool)
    return Figure(float(claim.seen), 0, float(claim.theory) if known else None)  # type: ignore[arg-type]


def chosen(name: str, known: Sequence[str]) -> str:
    """The one figure that a name means: its own, or that of a claim whose text begins like that.

    Raises BadInput for no figure or several, and lists those there are.
    """
    if name in known:
        return name
    close = [one for one in known if one.startswith(name)]
    if name and len(close) == 1:
        return close[0]
    raise BadInput(f"the runs have no figure '{name}'", f"they have: {', '.join(known)}")


@dataclasses.dataclass(frozen=True)
class Summary:
    """The results of one point: a share or a mean, its 95 % interval, and theory's value."""

    runs: int
    value: float
    low: float
    high: float
    theory: float | None


def summary(found: Sequence[Figure]) -> Summary | None:
    """The figures of several runs combined; None for no figures.

    Counts become shares of all they are counts of, with Wilson's interval; other figures become a
    mean, with Student's t interval.
    """
    if not found:
        return None
    theories = {one.theory for one in found if one.theory is not None}
    theory = theories.pop() if len(theories) == 1 else None
    total = sum(one.of for one in found)
    if total and all(one.of for one in found):
        number = round(sum(one.value for one in found))
        low, high = wilson(number, total)
        low = low if number else 0.0  # except for rounding
        return Summary(len(found), number / total, low, high, theory)
    values = [one.value for one in found]
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Summary(1, mean, mean, mean, theory)
    margin = student(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return Summary(len(values), mean, mean - margin, mean + margin, theory)


SMALL = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}


def student(freedom: int) -> float:
    """The quantile of 97.5 % of Student's t (Abramowitz and Stegun 26.7.5, tabulated below 5)."""
    if freedom in SMALL:
        return SMALL[freedom]
    z = WILSON
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
