"""Run a record again, and find the first thing that is not the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from echolab.engines import registry
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.record import MAY_DIFFER, Json, Machine, Record, Versions
from echolab.record.format import plain
from echolab.runs import catalogue
from echolab.runs.execute import ExecutedRun, machine
from echolab.runs.plan import PlannedRun, for_engine
from echolab.scenario import script as scenarios
from echolab.settings import Settings

ELSEWHERE = (
    *("wall_seconds", "started", "machine", "script", "compose", "versions"),
    *("picture", "stretch", "then"),
)
"""What two runs of the same job may differ in: wall time, paths, the versions of programs (except
Python's), and what a report shows first."""

Run = tuple[Record, Path]


def plan(record: Record, environment: Mapping[str, str] | None = None) -> PlannedRun:
    """The run that repeats a record.

    Raises BadInput if the files or the engine that it names do not exist.
    """
    from echolab.compose import hosts

    registry.load(record.engine)
    if record.compose is None or record.script is None:
        missing = "compose" if record.compose is None else "script"
        raise BadInput(f"the record has no '{missing}'", "run the scenario again")
    compose, script = Path(record.compose), Path(record.script)
    for path in (compose, script):
        if not path.is_file():
            raise BadInput(f"{path}, which the record names, is gone", "put it back")
    scenario = scenarios.find(script, record.scenario)
    scenario.check(record.parameters)
    project = catalogue.project(compose, environment)
    job = Job(
        scenario=record.scenario,
        script=str(script),
        topology=hosts.topology(project),
        parameters=record.parameters,
        seed=record.seed,
        capture=bool(record.captures),
        folders=scenario.folders(record.parameters),
        schedule=record.schedule,
        interventions=record.interventions,
        watched=record.watched or 0.0,
        followed=record.followed or False,
    )
    return for_engine([PlannedRun(job, compose, project=project)], record.engine)[0]


def settings(record: Record, base: Settings) -> Settings:
    """The settings with the roots that a record names, unless the user gives others."""
    roots = {used.image: used.digest for used in record.roots}
    return dataclasses.replace(base, roots={**roots, **base.roots})


def difference(then: Run, executed: ExecutedRun) -> str | None:
    """Where a record and the run that repeated it first differ; None if they do not.

    Raises what ended the new run.
    """
    if executed.record is None or executed.folder is None:
        raise executed.error or CannotRun("the run ended without a record", "run it again")
    return first_difference(then, (executed.record, executed.folder))


def warnings(record: Record) -> tuple[str, ...]:
    """What may make a repeated run differ from its record, one line each."""
    here, there = machine(), record.machine or Machine("unknown", "unknown", "unknown")
    lines = [
        f"the {name} differs: {then} then, {now} now"
        for name, then, now in (
            ("root", there.root, here.root),
            ("processor", there.processor, here.processor),
        )
        if then != now
    ]
    lines += [line for line in record.warnings if line.startswith(MAY_DIFFER)]
    if not record.traits.virtual:
        lines.append(f"the engine {record.engine} runs in real time: no two runs are identical")
    return tuple(lines)


def first_difference(then: Run, now: Run) -> str | None:
    """Where two runs first differ: in the record, then in the captures; None if nowhere.

    Programs whose versions differ are named too, since they may be the reason.
    """
    found = _difference("record", _repeatable(then[0]), _repeatable(now[0]))
    found = found or next(iter(_captures(then, now)), None)
    if found is None:
        return None
    return "; ".join([found, *_other_versions(then[0].versions, now[0].versions)])


def _other_versions(then: Versions, now: Versions) -> Iterable[str]:
    for field in dataclasses.fields(Versions):
        old, new = getattr(then, field.name), getattr(now, field.name)
        if old != new and old and new and field.name != "python":
            yield f"{field.name} was {old} then, is {new} now"


def _repeatable(record: Record) -> Mapping[str, Json]:
    """What must be the same in both runs, except for the captures."""
    written = plain(record)
    assert isinstance(written, dict)
    kept = {name: value for name, value in written.items() if name not in (*ELSEWHERE, "captures")}
    told = [line for line in record.warnings if not line.startswith(MAY_DIFFER)]
    return {**kept, "warnings": list(told), "python": record.versions.python}


def _difference(where: str, then: Json, now: Json) -> str | None:
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
    old = {capture.file: capture.sha256 for capture in then[0].captures}
    new = {capture.file: capture.sha256 for capture in now[0].captures}
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


def _plain(value: object) -> object:
    """The value with bytes as hexadecimal digits, so that it can be shown."""
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
