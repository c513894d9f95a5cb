"""What a page shows of one run: a record and its story, turned into texts and pictures."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from echolab import present
from echolab.judge import wilson
from echolab.record import PASS, Record
from echolab.report import ladder, messages, plots, story, strip, words
from echolab.report.messages import Series
from echolab.report.steps import Story
from echolab.report.stretches import Stretch

MOST_PLOTS = 6
"""Probes whose latency is drawn; of the others the strips tell."""

MOST_PROGRAMS, LONGEST_OUTPUT = 40, 2000
"""Programs that are shown, and characters of what each wrote."""

STRETCHES = {True: 3, False: 12}
"""Stretches drawn of each run, in a report of many runs and of one."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One run, ready for the templates; `record` is as it was read."""

    id: str
    record: Record
    outcome: str
    held: str
    claims: Sequence[Mapping[str, str]]
    probe_headings: Sequence[str]
    probes: Sequence[Mapping[str, Any]]
    distribution: str
    lines: Sequence[Mapping[str, str]]
    latency: Sequence[Mapping[str, Any]]
    strips: Sequence[Mapping[str, Any]]
    stretches: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    programs: Sequence[Mapping[str, str]]
    commands: Sequence[Mapping[str, Any]]
    facts: Sequence[tuple[str, str]]
    replay: Sequence[Mapping[str, str]]
    other_moment: str
    series: Sequence[Series]


def of(
    record: Record, folder: Path, name: str, *, compact: bool = False, at: float | None = None
) -> Run:
    """A run as the page shows it. `name` is its id; `at` chooses a stretch by lab second."""
    told = story.load(record, folder)
    several = messages.series(record)
    answered = [one for one in several if one.latencies][:MOST_PLOTS]
    holding = sum(claim["verdict"] == PASS for claim in record["claims"])
    total = len(record["claims"])
    return Run(
        id=name,
        record=record,
        outcome=f"{holding} of {total} claims hold",
        held=f"{holding} of {total}",
        claims=claims(record),
        probe_headings=present.PROBE_HEADINGS[2:],
        probes=[
            {"name": one.name, "swatch": plots.swatch(one), "cells": row[2:]}
            for one, row in zip(several, present.probe_rows(record), strict=True)
        ],
        distribution=plots.distribution(answered) if answered else "",
        lines=lines(answered),
        latency=[_over_time(one, answered) for one in answered],
        strips=[_strip(one) for one in several],
        stretches=[
            _stretch(one, told) for one in story.chosen(record, told, at)[: STRETCHES[compact]]
        ],
        notes=told.notes,
        programs=[_program(program) for program in record.get("programs", ())[:MOST_PROGRAMS]],
        commands=_commands(record, name),
        facts=_facts(record),
        replay=_replay(record, folder, name),
        other_moment=shlex.join(["./lab", "report", folder.name, "--at", "SECOND"]),
        series=several,
    )


def claims(record: Record) -> list[dict[str, str]]:
    """The claims as a table shows them; a step's name stands at its first claim alone."""
    rows = []
    step = ""
    for claim in record["claims"]:
        named = claim.get("step", "")
        rows.append(
            {
                "text": claim["text"],
                "reason": claim.get("reason", ""),
                "seen": present.seen(claim),
                "theory": present.theory(claim) if claim["theory"] is not None else "—",
                "bounds": bounds(claim),
                "verdict": claim["verdict"],
                "why": claim["why"] if claim["verdict"] != PASS else "",
                "step": named if named != step else "",
            }
        )
        step = named
    return rows


def bounds(claim: Mapping[str, Any]) -> str:
    """The bounds within which a claim was judged, or the interval of a rate."""
    if claim["kind"] == "rate" and claim["of"]:
        least, most = wilson(claim["seen"], claim["of"])
        return f"95 % interval {least:.2%} to {most:.2%}"
    low, high = claim.get("low"), claim.get("high")
    unit = claim.get("unit", "")
    if low is not None and high is not None:
        return f"{present.figure(low, unit)} to {present.figure(high, unit)}"
    if low is not None:
        return f"at least {present.figure(low, unit)}"
    if high is not None:
        return f"at most {present.figure(high, unit)}"
    return "—"


def lines(several: Sequence[Series]) -> list[dict[str, str]]:
    """The lines of a figure with what they stand for."""
    return [
        {"swatch": plots.swatch(one), "name": one.name, "told": plots.summary(one)}
        for one in several
    ]


def _over_time(series: Series, together: Sequence[Series]) -> dict[str, Any]:
    return {
        "name": series.name,
        "told": f"{plots.summary(series)}.",
        "picture": plots.over_time(series, together),
    }


def _strip(series: Series) -> dict[str, Any]:
    name, told = series.name, strip.told(series)
    return {
        "name": name,
        "told": told.replace(f", {name}:", ":", 1),
        "picture": strip.draw(series),
    }


def _stretch(stretch: Stretch, told: Story) -> dict[str, Any]:
    return {
        "title": stretch.title,
        "at": f"second {told.seconds(stretch.begin):.3f}",
        "caption": ladder.caption(stretch),
        "picture": ladder.draw(stretch, told),
        "text": "\n".join(words.lines(stretch, told)),
    }


def _program(program: Mapping[str, Any]) -> dict[str, str]:
    """A program that a scenario ran: its words, how it ended, and what it wrote."""
    status = program.get("status")
    if status is None:
        outcome = "ended by the time limit"
    elif status < 0:
        outcome = f"ended by signal {-status}"
    else:
        outcome = f"ended with status {status}"
    said = "".join(str(program.get(stream, "")) for stream in ("stdout", "stderr"))
    return {
        "host": program["host"],
        "words": shlex.join(program.get("argv", ())),
        "outcome": f"{outcome} after {program.get('ended', 0) - program['started']:.6f} s",
        "said": said[:LONGEST_OUTPUT] + ("…" if len(said) > LONGEST_OUTPUT else ""),
    }


def _commands(record: Record, name: str) -> list[dict[str, Any]]:
    """The commands that shaped a link, each with what the kernel read back otherwise."""
    rows: list[dict[str, Any]] = []
    for command in record["commands"]:
        if command["read_back"] is not None:
            if rows and command["differs"]:
                rows[-1]["differs"] = command["differs"]
            continue
        rows.append(
            {
                "id": f"{name}-command-{len(rows)}",
                "at": f"{command['at']:.3f} s",
                "host": command["host"],
                "text": shlex.join(command["argv"]),
                "differs": command["differs"],
            }
        )
    return rows


def _facts(record: Record) -> list[tuple[str, str]]:
    parameters = ", ".join(f"{key} = {value}" for key, value in record["parameters"].items())
    machine = record.get("machine") or {}
    facts = [
        ("scenario", f"{record['scenario']} ({parameters or 'no parameters'})"),
        ("engine", f"{record['engine']}, link by {record['link_by']}"),
        ("seed", str(record["seed"])),
        ("kernel of the hosts", str(record["kernel"])),
        ("kernel of the links", str(record["link_kernel"])),
        ("lab time", f"{record['lab_seconds']:.3f} s"),
        ("wall time", f"{record['wall_seconds']:.3f} s" if "wall_seconds" in record else ""),
        ("started", str(record.get("started", ""))),
        ("Python", str(record.get("python", ""))),
        *((str(key), str(value)) for key, value in machine.items()),
    ]
    facts += [
        (
            f"host {host['name']}",
            ", ".join(str(host[key]) for key in ("ip", "ip6", "mac") if host.get(key)),
        )
        for host in record["hosts"]
    ]
    facts += [
        (f"capture {entry['file']}", f"SHA-256 {entry['sha256']}")
        for entry in record.get("captures", ())
    ]
    return [(name, value) for name, value in facts if value]


def _replay(record: Record, folder: Path, name: str) -> list[dict[str, str]]:
    again = ["./lab", "run", record["scenario"], "--engine", record["engine"]]
    again += ["--seed", str(record["seed"])]
    for key, value in record["parameters"].items():
        again += ["--set", f"{key}={value}"]
    ways = [("again", shlex.join(again), "the same scenario, a new record")]
    if record["engine"] == "exact":
        replay = shlex.join(["./lab", "replay", folder.name])
        ways.insert(0, ("replay", replay, "the same bytes, or the first difference"))
    return [{"id": f"{name}-{key}", "text": command, "why": why} for key, command, why in ways]
