"""Run a record again, and find the first thing that is not the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from echolab import catalogue, runs
from echolab.engines import Engine, Progress, Settings
from echolab.errors import BadInput, CannotRun
from echolab.execute import Order, execute, machine
from echolab.job import Job
from echolab.record import Record

ELSEWHERE = ("wall_seconds", "started", "machine", "script", "compose")
"""What two runs of the same job may differ in: wall time, and where they stand."""

Run = tuple[Record, Path]


def order(record: Record, folder: Path) -> Order:
    """The order that repeats a record. Raises BadInput where its files are gone."""
    compose = Path(record["compose"])
    script = Path(record["script"])
    for path in (compose, script):
        if not path.is_file():
            raise BadInput(f"{path}, which the record names, is gone", "put it back")
    job = Job(
        scenario=record["scenario"],
        script=str(script),
        topology=catalogue.topology(compose),
        parameters=record["parameters"],
        seed=record["seed"],
        capture=bool(record["captures"]),
    )
    return Order(job, compose, folder.resolve())


def repeat(
    then: Run, engine: Engine, settings: Settings, out: Path, progress: Progress
) -> str | None:
    """Run a record again in a new folder below `out`; where the two first differ, or None.

    Raises what ended the new run.
    """
    folder = runs.create(out, then[0]["scenario"], engine.NAME)
    outcome = execute(order(then[0], folder), engine, settings, progress)
    if outcome.record is None:
        raise outcome.error or CannotRun("the run ended without a record", "run it again")
    return first_difference(then, (outcome.record, folder))


def warnings(record: Record) -> tuple[str, ...]:
    """What makes this machine another one than the record's, one line each."""
    here = machine()
    there = record.get("machine", {})
    lines = [
        f"the {name} differs: {there.get(name)} then, {here[name]} now"
        for name in ("root", "processor")
        if there.get(name) != here[name]
    ]
    if record["engine"] != "exact":
        lines.append(f"the engine {record['engine']} runs in real time: expect differences")
    return tuple(lines)


def first_difference(then: Run, now: Run) -> str | None:
    """Where two runs first differ: in the record, then in the captures; None if nowhere."""
    pinned = [
        {key: value for key, value in run[0].items() if key not in (*ELSEWHERE, "captures")}
        for run in (then, now)
    ]
    found = _difference("record", *pinned)
    if found:
        return found
    return next(iter(_captures(then, now)), None)


def _difference(where: str, then: Any, now: Any) -> str | None:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in [*then, *(key for key in now if key not in then)]:
            if key not in then or key not in now:
                return f"{where}.{key}: only in the {'new' if key in now else 'old'} run"
            found = _difference(f"{where}.{key}", then[key], now[key])
            if found:
                return found
        return None
    if isinstance(then, list) and isinstance(now, list):
        for index, (one, other) in enumerate(zip(then, now, strict=False)):
            found = _difference(f"{where}[{index}]", one, other)
            if found:
                return found
        if len(then) != len(now):
            return f"{where}: {len(then)} entries then, {len(now)} now"
        return None
    if then == now and type(then) is type(now):
        return None
    return f"{where}: {json.dumps(then)[:120]} then, {json.dumps(now)[:120]} now"


def _captures(then: Run, now: Run) -> Iterable[str]:
    old = {entry["file"]: entry["sha256"] for entry in then[0]["captures"]}
    new = {entry["file"]: entry["sha256"] for entry in now[0]["captures"]}
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in old or name not in new:
            yield f"capture {name}: only in the {'new' if name in new else 'old'} run"
        elif old[name] != new[name]:
            yield _packets(name, then[1] / name, now[1] / name)


def _packets(name: str, then: Path, now: Path) -> str:
    """Which packet of two captures differs first, and in which of its fields."""
    from echolab.report import packet, pcap

    if not then.is_file():
        return f"capture {name}: its checksum differs, and the old file is gone"
    old, new = pcap.read(then), pcap.read(now)
    for number, (one, other) in enumerate(zip(old, new, strict=False), start=1):
        if one != other:
            place = f"capture {name}, packet {number}"
            if one.at != other.at:
                return f"{place}: time {one.at} ns then, {other.at} ns now"
            fields = (dataclasses.asdict(packet.parse(frame.data)) for frame in (one, other))
            found = _difference("field", *(_plain(values) for values in fields))
            return f"{place}: {found or 'bytes that no field shows'}"
    return f"capture {name}: {len(old)} packets then, {len(new)} now"


def _plain(value: Any) -> Any:
    """The value with bytes as hexadecimal digits, so that it can be shown."""
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
