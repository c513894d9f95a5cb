"""The record of a run, format 1: what was done and seen, as plain JSON values.

A record holds facts alone; `echolab.judge` adds the verdicts. Names that scripts may rely
on are listed in docs/record.md. Times are lab seconds unless a name says otherwise.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from echolab.errors import BadInput

FORMAT = 1
"""Raised when a record changes so that an older echolab would misread it."""

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"

Record = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Claim:
    """One thing that a scenario says must hold, as data that the judge understands.

    `kind` is `holds` (then `holds` says whether), `rate` (`seen` of `of` trials, each with
    chance `theory`) or `range` (`seen` lies from `low` to `high`). `why` gives the reason.
    """

    kind: str
    text: str
    seen: Any = None
    theory: Any = None
    why: str = ""
    holds: bool | None = None
    of: int | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    step: str = ""


@dataclasses.dataclass(frozen=True)
class Check:
    """One proof of the run's own network: its name, `pass` or `inconclusive`, and why."""

    name: str
    verdict: str
    why: str


@dataclasses.dataclass(frozen=True)
class Command:
    """One `tc` command: when, on which host, its words, and what the kernel read back.

    `differs` lists what the read-back has other than was asked for.
    """

    at: float
    host: str
    argv: tuple[str, ...]
    read_back: Any = None
    differs: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Latency:
    """Minimum, median, 99th percentile and maximum of a set of latencies, in seconds."""

    min: float
    median: float
    p99: float
    max: float

    def milliseconds(self) -> dict[str, float]:
        """The same in milliseconds, to the nanosecond, as a record holds it."""
        return {name: round(value * 1e3, 6) for name, value in dataclasses.asdict(self).items()}


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


def dump(record: Mapping[str, Any]) -> str:
    """The record as text: one key a line at the top, lists of plain values on one line."""
    lines = [f"  {json.dumps(key)}: {_value(value)}" for key, value in record.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (dict, list)):
        entries = ",\n    ".join(json.dumps(entry, ensure_ascii=False) for entry in value)
        return f"[\n    {entries}\n  ]"
    return json.dumps(value, ensure_ascii=False)


def parse(text: str, where: str = "record.json") -> Record:
    """The record that `dump` wrote. Raises BadInput for anything else, and says which way.

    A record of a newer format asks for a newer echolab; format 1 is the oldest there is.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where} is no record: {error}", "run the scenario again") from None
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise BadInput(f"{where} is no record: it has no 'format'", "name a folder below runs/")
    if record["format"] > FORMAT:
        raise BadInput(
            f"{where} has format {record['format']}, this echolab reads up to {FORMAT}",
            "use the echolab that wrote it, or a newer one",
        )
    missing = [name for name in ("scenario", "engine", "claims", "probes") if name not in record]
    if missing:
        raise BadInput(f"{where} lacks {', '.join(missing)}", "run the scenario again")
    return record
