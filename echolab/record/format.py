"""Records, and the values that travel between processes, as JSON: parsed, checked, written.

This is format 2. Format 1 had the version of Python at the top and no other version, no traits of
the engine and no lost packets; docs/record.md lists the names. Only here are records handled as
untyped JSON objects.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from echolab.errors import BadInput
from echolab.history import read as histories
from echolab.history.values import Operation
from echolab.history.values import plain as plain_operation
from echolab.record.probe import COUNTED, Exchange, Latency, Probe
from echolab.record.schema import MISSING, Mismatch, Schema, fields_of, items, mapping, wrong
from echolab.record.values import Json, Lateness, Record, Traits, Versions

FORMAT = 2
"""Raised when a record changes so that an older echolab would misread it."""

OLDEST = 1

REMEDY = "run the scenario again, or fix the file"

T = TypeVar("T")


def parse(text: str, where: str = "record.json") -> Record:
    """The record that `dump` wrote, or an older echolab in format 1.

    Raises BadInput for anything else, in one line that names what is missing or mistyped.
    """
    document = load(text, where)
    if not isinstance(document, dict) or "format" not in document:
        raise BadInput(f"{where} is not a record: it has no 'format'", "name a folder below runs/")
    number = document["format"]
    if isinstance(number, int) and number > FORMAT:
        raise BadInput(
            f"{where} has format {number}, this echolab reads up to {FORMAT}",
            "use the echolab that wrote it, or a newer one",
        )
    return read(Record, document, where)


def dump(record: Record) -> str:
    """The record as text: one name per line at the top, lists of objects one entry per line."""
    written = _write_record(record)
    lines = [f"  {json.dumps(name)}: {_entry(value)}" for name, value in written.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def dump_all(records: Sequence[Record]) -> str:
    """Several records as one JSON document, an array."""
    return json.dumps(plain(records), ensure_ascii=False, indent=1)


def _entry(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        entries = ",\n    ".join(json.dumps(entry, ensure_ascii=False) for entry in value)
        return f"[\n    {entries}\n  ]"
    return json.dumps(value, ensure_ascii=False)


# --- anything that travels


def load(text: str | bytes, where: str) -> Json:
    """The value of a JSON text. Raises BadInput for a text that is not JSON."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not JSON: {error}", REMEDY) from None
    return value


def read(kind: type[T], value: Json, where: str) -> T:
    """The value of a dataclass that `plain` turned into JSON.

    Raises BadInput in one line that begins with `where` and names what does not fit.
    """
    try:
        return cast(T, SCHEMA.reader(kind)(value))
    except Mismatch as mismatch:
        raise BadInput(mismatch.line(where), REMEDY) from None


def prepare(kinds: Iterable[type]) -> None:
    """Make what reads these dataclasses now, so that forked children need not."""
    for kind in kinds:
        with contextlib.suppress(Mismatch):
            SCHEMA.reader(kind)({})


def plain(value: object) -> Json:
    """A value, or values in lists and mappings, in the form that `json.dumps` takes."""
    return SCHEMA.plain(value)


def as_json(value: object) -> Json:
    """The JSON value of what a script hands over: numbers, text, lists and mappings of them.

    A number that JSON does not have (infinite, or not a number) becomes its name. Raises
    BadInput for anything else.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    if isinstance(value, collections.abc.Mapping):
        return {str(key): as_json(entry) for key, entry in value.items()}
    raise BadInput(
        f"a {type(value).__name__} cannot be written to a record",
        "give a number, text, or a list or mapping of these",
    )


# --- values that a record writes in another form

NAMES: Mapping[tuple[type, str], str] = {
    (Probe, "latency"): "latency_ms",
    (Probe, "connect"): "connect_ms",
}

EXCHANGE_FIELDS = list(fields_of(Exchange))

LATENESS = {"lateness": "overall", "late_by_second": "by_second", "waiting": "waiting"}
"""Three names at the top of a record that form one value."""

OPTIONAL = frozenset(
    {
        "picture",
        "stretch",
        "then",
        "faults",
        "schedule",
        "interventions",
        "watched",
        "followed",
        "histories",
        "lives",
        "notes",
        "printed",
        "conclusion",
        "guest_kernel",
        "roots",
        "lateness",
        "wall_seconds",
        "started",
        "script",
        "compose",
        "machine",
    }
)
"""What a record leaves out if there is nothing to say."""

EARLY: Mapping[str, Mapping[str, Json]] = {
    "claims": {"step": "", "unit": "", "reason": ""},
    "probes": {"ended": None, "kernel": {}},
    "baseline": {"ended": None, "kernel": {}},
    "captures": {"lost": 0},
}
"""What the entries of these lists lack in records of format 1, or in the oldest of them."""

LATER: Mapping[str, Mapping[str, Json]] = {
    "claims": {"history": "", "word": "", "model": "", "after": 0.0},
    "hosts": {"interfaces": [], "shares": ""},
    "links": {"network": "default"},
    "captures": {"network": "default"},
    "interventions": {"network": "", "packet": "", "number": 0, "sent": 0.0, "since": 0.0},
}
"""What the entries of these lists lack in records from when a lab had only one network, no claims
about histories, and no interventions on single packets."""

ENGINES: Mapping[str, Traits] = {
    "docker": Traits(lookups=True, firewalled=True),
    "exact": Traits(virtual=True),
}
"""The traits of the engines that wrote records of format 1, which lack them."""


def _read_latency(value: object) -> Latency:
    """Milliseconds in a record, seconds in the value."""
    found: Latency = _latency(value)
    return Latency(found.min / 1e3, found.median / 1e3, found.p99 / 1e3, found.max / 1e3)


def _read_probe(value: object) -> Probe:
    """Each exchange is a list, whose fields are named once for all."""
    document = mapping(value)
    names = _member(document, "exchange_fields")
    if not isinstance(names, list) or sorted(map(str, names)) != sorted(EXCHANGE_FIELDS):
        raise Mismatch(f"must be a list of {', '.join(EXCHANGE_FIELDS)}", "exchange_fields")
    exchanges = []
    for number, row in enumerate(_list(document, "exchanges")):
        if not isinstance(row, list) or len(row) != len(names):
            mismatch = wrong(f"a list of {len(names)} values", row)
            mismatch.place = [f"[{number}]", "exchanges"]
            raise mismatch
        exchanges.append(dict(zip(names, row, strict=True)))
    probe: Probe = _probe({**document, "exchanges": exchanges})
    for name in COUNTED:
        if probe.kernel and name not in probe.kernel:
            raise Mismatch(MISSING, name, "kernel")
    return probe


def _read_record(value: object) -> Record:
    """A record of this format or of an older one, with its lateness in one value."""
    document = mapping(value)
    number = _member(document, "format")
    if type(number) is not int or not OLDEST <= number <= FORMAT:
        raise Mismatch(f"must be a whole number from {OLDEST} to {FORMAT}", "format")
    document = _upgraded(document) if number == OLDEST else dict(document)
    _fill(document, LATER)
    _fill_counters(document)
    late = {name: document.pop(name) for name in LATENESS if name in document}
    record: Record = _record(document)
    return dataclasses.replace(record, lateness=_read_lateness(late)) if late else record


def _read_lateness(found: Mapping[str, object]) -> Lateness:
    members = {attribute: _member(found, name) for name, attribute in LATENESS.items()}
    try:
        lateness: Lateness = SCHEMA.reader(Lateness)(members)
    except Mismatch as mismatch:
        names = {attribute: name for name, attribute in LATENESS.items()}
        mismatch.place[-1] = names[mismatch.place[-1]]
        raise
    return lateness


def _read_operation(value: object) -> Operation:
    """An operation, whose values may be numbers, texts, or lists of lists of them."""
    try:
        return histories.operation(value, "")
    except BadInput as error:
        raise Mismatch(error.message.lstrip(": ")) from None


def _member(document: Mapping[str, object], name: str) -> object:
    if name not in document:
        raise Mismatch(MISSING, name)
    return document[name]


def _list(document: Mapping[str, object], name: str) -> list[object]:
    try:
        return items(_member(document, name))
    except Mismatch as mismatch:
        if not mismatch.place:
            mismatch.place.append(name)
        raise


def _upgraded(old: Mapping[str, Any]) -> dict[str, Any]:
    """A record of format 1 in format 2: `python` is among the versions."""
    document = {"summary": "", "epoch": None, "links": [], "programs": [], **old}
    python = document.pop("python", None)
    if not isinstance(python, str | None):
        mismatch = wrong("text", python)
        mismatch.place.append("python")
        raise mismatch
    document["versions"] = plain(Versions(python=python))
    document["traits"] = plain(ENGINES.get(str(document.get("engine")), Traits()))
    _fill(document, EARLY)
    return document


def _fill_counters(document: Mapping[str, Any]) -> None:
    """Give the counters of older records the figure that they lack."""
    counters = document.get("counters")
    for side in ("before", "after"):
        hosts = counters.get(side) if isinstance(counters, dict) else None
        if isinstance(hosts, dict):
            hosts.update(
                {
                    host: {"framed": None, **one}
                    for host, one in hosts.items()
                    if isinstance(one, dict)
                }
            )


def _fill(document: dict[str, Any], lacking: Mapping[str, Mapping[str, Json]]) -> None:
    """Give the entries of lists what they lack."""
    for name, defaults in lacking.items():
        entries = document.get(name)
        if isinstance(entries, list):
            document[name] = [
                {**defaults, **entry} if isinstance(entry, dict) else entry for entry in entries
            ]


def _write_probe(probe: Probe) -> dict[str, object]:
    rows = [
        [one.number, one.sent, one.received, one.fate, one.order, one.duplicates]
        for one in probe.exchanges
    ]
    written = SCHEMA.fields(probe, leave_out=("exchanges",))
    return {**written, "exchange_fields": EXCHANGE_FIELDS, "exchanges": rows}


def _write_record(record: Record) -> dict[str, object]:
    """What a record says, with `lateness` as three names."""
    said = [name for name in OPTIONAL if getattr(record, name) in (None, (), "")]
    written: dict[str, object] = {"format": FORMAT, **SCHEMA.fields(record, leave_out=said)}
    if record.lateness is None:
        return written
    late = {name: plain(getattr(record.lateness, field)) for name, field in LATENESS.items()}
    spread: dict[str, object] = {}
    for name, value in written.items():
        spread |= late if name == "lateness" else {name: value}
    return spread


SCHEMA = Schema(
    readers={
        Latency: _read_latency,
        Probe: _read_probe,
        Operation: _read_operation,
        Record: _read_record,
    },
    writers={
        Latency: lambda value: dict(value.milliseconds()),
        Probe: _write_probe,
        Operation: plain_operation,
        Record: _write_record,
    },
    names=NAMES,
)

_latency = SCHEMA.object_reader(Latency)
_probe = SCHEMA.object_reader(Probe)
_record = SCHEMA.object_reader(Record, OPTIONAL)
