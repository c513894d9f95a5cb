"""What a page shows of one run: a record and its story, turned into texts and pictures."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from echolab import resources
from echolab.judge.verdicts import wilson
from echolab.language import decimal
from echolab.language import translate as _
from echolab.record import (
    NOT_APPLICABLE,
    PASS,
    Capture,
    Claim,
    HostAddress,
    Machine,
    ProgramRun,
    Record,
    Verdict,
    Versions,
)
from echolab.report import (
    labels,
    ladder,
    messages,
    pictures,
    plots,
    story,
    strip,
    terminal,
)
from echolab.report.events import Story
from echolab.report.excerpts import Excerpt
from echolab.report.messages import Series
from echolab.report.pictures import Picture
from echolab.sayings import said

MOST_PLOTS = 6
"""The most probes whose latency is drawn; the others have only their strips."""

MOST_PROGRAMS, LONGEST_OUTPUT = 40, 2000
"""The most programs shown, and the most characters of the output of each."""

MOST_LADDERS = {True: 3, False: 12}
"""The most ladders drawn for each run, in a report of many runs (True) or of one (False)."""


@dataclasses.dataclass(frozen=True)
class ShownClaim:
    """A claim as a table shows it; `step` is empty except at the first claim of a step."""

    text: str
    reason: str
    seen: str
    theory: str
    bounds: str
    verdict: Verdict
    why: str
    step: str


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a figure, and what it stands for."""

    swatch: str
    name: str
    told: str


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture (SVG) with its name, its text and its lines."""

    name: str
    picture: str
    told: str = ""
    lines: Sequence[Line] = ()


@dataclasses.dataclass(frozen=True)
class ProbeRow:
    """A probe as a table shows it."""

    name: str
    swatch: str
    cells: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Ladder:
    """An excerpt of the packet story, as a picture and as text."""

    title: str
    at: str
    caption: str
    picture: str
    legend: str
    text: str


@dataclasses.dataclass(frozen=True)
class ShownProgram:
    """A program that a scenario ran: its arguments, how it ended, and what it wrote."""

    host: str
    words: str
    outcome: str
    said: str


@dataclasses.dataclass(frozen=True)
class ShownCapture:
    """A packet capture; `link` is the path to its file from the page, if the file exists."""

    name: str
    file: str
    link: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class Command:
    """A command to copy; `differs` says how the kernel's settings differ from it."""

    id: str
    text: str
    at: str = ""
    host: str = ""
    why: str = ""
    differs: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Run:
    """One run, ready for the templates; `record` is as it was read."""

    id: str
    record: Record
    answer: str
    picture: Picture
    picture_lines: Sequence[Line]
    outcome: str
    held: str
    claims: Sequence[ShownClaim]
    probe_headings: Sequence[str]
    probes: Sequence[ProbeRow]
    distribution: str
    lines: Sequence[Line]
    latency: Sequence[Figure]
    strips: Sequence[Figure]
    ladders: Sequence[Ladder]
    notes: Sequence[str]
    programs: Sequence[ShownProgram]
    commands: Sequence[Command]
    facts: Sequence[tuple[str, str]]
    captures: Sequence[ShownCapture]
    replay: Sequence[Command]
    other_moment: str
    series: Sequence[Series]


def of(
    record: Record,
    folder: Path,
    name: str,
    *,
    compact: bool = False,
    at: float | None = None,
    beside: Path | None = None,
) -> Run:
    """A run as the page shows it.

    `name` is its id; `at` chooses an excerpt by lab second; `beside` is the folder that the
    page will be in, that of the run if it is None.
    """
    told = story.load(record, folder)
    several = messages.series(record)
    answered = [one for one in several if one.latencies][:MOST_PLOTS]
    picture = pictures.draw(record, several, told)
    holding = sum(claim.verdict == PASS for claim in record.claims)
    total = sum(claim.verdict != NOT_APPLICABLE for claim in record.claims)
    return Run(
        id=name,
        record=record,
        answer=terminal.answer(record.conclusion) if record.conclusion else "",
        picture=picture,
        picture_lines=[Line(*one) for one in picture.lines],
        outcome=_("{count} of {of} claims hold").format(count=holding, of=total),
        held=_("{count} of {of}").format(count=holding, of=total),
        claims=claims(record),
        probe_headings=[_(one.heading) for one in terminal.PROBE_HEADINGS[2:]],
        probes=[
            ProbeRow(one.name, plots.swatch(one), row[2:])
            for one, row in zip(several, terminal.probe_rows(record), strict=True)
        ],
        distribution=plots.distribution(answered) if answered else "",
        lines=lines(answered),
        latency=[_over_time(one, answered) for one in answered],
        strips=[_strip(one) for one in several],
        ladders=[
            _ladder(one, told) for one in story.chosen(record, told, at)[: MOST_LADDERS[compact]]
        ],
        notes=told.notes,
        programs=[_program(program) for program in record.programs[:MOST_PROGRAMS]],
        commands=_commands(record, name),
        facts=_facts(record),
        captures=[_capture(one, folder, beside) for one in record.captures],
        replay=_replay(record, folder, name),
        other_moment=shlex.join([resources.COMMAND, "report", folder.name, "--at", "SECOND"]),
        series=several,
    )


def claims(record: Record) -> list[ShownClaim]:
    """The claims as a table shows them; a step's name appears only at its first claim."""
    rows = []
    step = ""
    for claim in record.claims:
        rows.append(
            ShownClaim(
                text=said(claim.text),
                reason=said(claim.reason),
                seen=terminal.seen(claim),
                theory=terminal.theory(claim) if claim.theory is not None else "—",
                bounds=bounds(claim),
                verdict=claim.verdict,
                why=said(claim.why) if claim.verdict != PASS else "",
                step=said(claim.step) if claim.step != step else "",
            )
        )
        step = claim.step
    return rows


def bounds(claim: Claim) -> str:
    """The bounds within which a claim was judged, or the interval of a rate."""
    if claim.kind == "rate" and claim.of:
        count, of, _theory = claim.trials
        least, most = wilson(count, of)
        return decimal(
            _("95 % interval {low} to {high}").format(low=f"{least:.2%}", high=f"{most:.2%}")
        )
    low, high, unit = claim.low, claim.high, claim.unit
    if low is not None and high is not None:
        return _("{low} to {high}").format(
            low=terminal.figure(low, unit), high=terminal.figure(high, unit)
        )
    if low is not None:
        return _("at least {figure}").format(figure=terminal.figure(low, unit))
    if high is not None:
        return _("at most {figure}").format(figure=terminal.figure(high, unit))
    return "—"


def lines(several: Sequence[Series]) -> list[Line]:
    """The lines of a figure and what they stand for."""
    return [Line(plots.swatch(one), one.name, plots.summary(one)) for one in several]


def _over_time(series: Series, together: Sequence[Series]) -> Figure:
    picture = plots.over_time(series, together)
    return Figure(series.name, picture, f"{plots.summary(series)}.")


def _strip(series: Series) -> Figure:
    told = strip.told(series).replace(f", {series.name}:", ":", 1)
    return Figure(series.name, strip.draw(series), told)


def _ladder(excerpt: Excerpt, told: Story) -> Ladder:
    return Ladder(
        title=_(excerpt.title),
        at=_("second {at}").format(at=decimal(f"{told.seconds(excerpt.begin):.3f}")),
        caption=ladder.caption(excerpt),
        picture=ladder.draw(excerpt, told),
        legend=ladder.legend(excerpt, told),
        text="\n".join(labels.lines(excerpt, told)),
    )


def _program(program: ProgramRun) -> ShownProgram:
    status = program.status
    if status is None:
        outcome = _("ended by the time limit")
    elif status < 0:
        outcome = _("ended by signal {number}").format(number=-status)
    else:
        outcome = _("ended with status {number}").format(number=status)
    said = program.stdout + program.stderr
    return ShownProgram(
        host=program.host,
        words=shlex.join(program.argv),
        outcome=_("{outcome} after {seconds} s").format(
            outcome=outcome, seconds=decimal(f"{program.ended - program.started:.6f}")
        ),
        said=said[:LONGEST_OUTPUT] + ("…" if len(said) > LONGEST_OUTPUT else ""),
    )


def _commands(record: Record, name: str) -> list[Command]:
    """The commands that shaped a link, each with how the kernel's settings differ from it."""
    rows: list[Command] = []
    for command in record.commands:
        if command.read_back is not None:
            if rows and command.differs:
                rows[-1] = dataclasses.replace(rows[-1], differs=command.differs)
            continue
        rows.append(
            Command(
                id=f"{name}-command-{len(rows)}",
                text=shlex.join(command.argv),
                at=f"{command.at:.3f} s",
                host=command.host,
                differs=command.differs,
            )
        )
    return rows


def _facts(record: Record) -> list[tuple[str, str]]:
    """What is known about where and how a run ran, under readable names."""
    parameters = ", ".join(f"{key} = {value}" for key, value in record.parameters.items())
    wall = "" if record.wall_seconds is None else decimal(f"{record.wall_seconds:.3f} s")
    facts = [
        (_("scenario"), f"{record.scenario} ({parameters or _('no parameters')})"),
        (
            _("engine"),
            _("{engine}, link by {means}").format(engine=record.engine, means=record.link_by),
        ),
        (_("seed"), str(record.seed)),
        (_("kernel of the hosts"), record.kernel),
        (_("kernel of the links"), record.link_kernel),
        (_("lab time"), decimal(f"{record.lab_seconds:.3f} s")),
        (_("wall time"), wall),
        (_("started"), record.started or ""),
    ]
    facts += [(VERSIONS[name], value or "") for name, value in _members(record.versions)]
    if record.machine is not None:
        facts += [(name, value or "") for name, value in _members(record.machine)]
    facts += [(_("host {name}").format(name=host.name), _addresses(host)) for host in record.hosts]
    return [(name, value) for name, value in facts if value]


def _capture(capture: Capture, folder: Path, beside: Path | None) -> ShownCapture:
    file = folder / Path(capture.file).name
    link = ""
    if file.is_file():
        link = quote(os.path.relpath(file, beside or folder))
    where = _("before its link") if capture.where == "before-link" else _("after its link")
    return ShownCapture(
        _("capture of {host} {where}").format(host=capture.host, where=where),
        file.name,
        link,
        capture.sha256,
    )


VERSIONS = {
    "echolab": "echolab",
    "python": "Python",
    "tc": "tc",
    "strace": "strace",
    "docker": "Docker Engine",
    "compose": "Compose",
}
"""Readable names of the programs whose versions a record holds."""


def _addresses(host: HostAddress) -> str:
    """The addresses of a host, network by network if it is on several."""
    if host.shares:
        return f"shares the network of {host.shares}"
    if len(host.interfaces) < 2:
        return ", ".join(filter(None, (host.ip, host.ip6, host.mac))) or "on no network"
    return "; ".join(
        f"{one.network}: {', '.join(filter(None, (one.ip, one.ip6, one.mac)))}"
        for one in host.interfaces
    )


def _members(value: Versions | Machine) -> list[tuple[str, str | None]]:
    return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]


def _replay(record: Record, folder: Path, name: str) -> list[Command]:
    again = [resources.COMMAND, "run", record.scenario, "--engine", record.engine]
    again += ["--seed", str(record.seed)]
    for key, value in record.parameters.items():
        again += ["--set", f"{key}={value}"]
    ways = [("again", again, _("the same scenario, a new record"))]
    if record.traits.virtual:
        replay = [resources.COMMAND, "replay", folder.name]
        ways.insert(0, ("replay", replay, _("the same bytes, or the first difference")))
    return [Command(f"{name}-{key}", shlex.join(words), why=why) for key, words, why in ways]
