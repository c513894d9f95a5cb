"""The packet story of a record: read from its captures, and told as text for a terminal."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from echolab.language import translate as _
from echolab.record import Record
from echolab.report import calls, captures, events, excerpts, labels
from echolab.report.events import Story
from echolab.report.excerpts import Excerpt


def load(record: Record, folder: Path) -> Story:
    """The story that a record's captures in `folder` tell; empty if there are none."""
    told = events.tell(record, captures.load(record, folder), calls.of_record(record))
    return dataclasses.replace(told, notes=(*told.notes, *labels.services(record.lives)))


def chosen(record: Record, story: Story, at: float | None = None) -> tuple[Excerpt, ...]:
    """The excerpts to show: what was sent from lab second `at` on, then the most telling ones."""
    found = excerpts.choose(story, traffic_begins(record), record.stretch)
    by_choice = excerpts.at(story, at) if at is not None else None
    return (by_choice, *found) if by_choice is not None else found


def traffic_begins(record: Record) -> float:
    """The lab second at which the first probe or program of the scenario started."""
    started = [probe.started for probe in record.probes]
    started += [program.started for program in record.programs]
    return min(started, default=0.0)


def text(record: Record, folder: Path, at: float | None = None) -> str:
    """The most telling excerpt of a run (or that from lab second `at` on), one line per event."""
    story = load(record, folder)
    found = chosen(record, story, at)
    told = list(labels.lines(found[0], story)) if found else [_("No packet was captured.")]
    return "\n".join([*told, *story.notes]) + "\n"
