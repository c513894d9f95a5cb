"""The packet story of a record: read from its captures, and told as text for a terminal."""

from __future__ import annotations

from pathlib import Path

from echolab.record import Record
from echolab.report import calls, captures, steps, stretches, words
from echolab.report.steps import Story
from echolab.report.stretches import Stretch


def load(record: Record, folder: Path) -> Story:
    """The story that a record's captures in `folder` tell; an empty one where it has none."""
    return steps.tell(record, captures.load(record, folder), calls.of_record(record))


def chosen(record: Record, story: Story, at: float | None = None) -> tuple[Stretch, ...]:
    """The stretches to show: what was sent from lab second `at` on, then the telling ones."""
    found = stretches.choose(story, traffic_begins(record))
    by_choice = stretches.at(story, at) if at is not None else None
    return (by_choice, *found) if by_choice is not None else found


def traffic_begins(record: Record) -> float:
    """The lab second at which the first probe or program of the scenario started."""
    parts = (*record.get("probes", ()), *record.get("programs", ()))
    return min((float(part["started"]) for part in parts), default=0.0)


def text(record: Record, folder: Path, at: float | None = None) -> str:
    """The most telling stretch of a run (or that from lab second `at` on), a line an event."""
    story = load(record, folder)
    found = chosen(record, story, at)
    told = list(words.lines(found[0], story)) if found else ["No packet was captured."]
    return "\n".join([*told, *story.notes]) + "\n"
