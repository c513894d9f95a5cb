"""The one figure that shows a run's answer to its sentence, as the scenario names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from echolab.language import later
from echolab.language import translate as _
from echolab.record import Record
from echolab.report import charts, plots, strip, traces
from echolab.report.events import Story
from echolab.report.messages import Series
from echolab.report.story import traffic_begins

TOLD = {
    "distribution": later("Of 100 messages, how many were answered within that time."),
    "strip": later("Each message by its fate, in the order of sending."),
    "waits": later(
        "Each message from its sending to its answer: those that end together were released "
        "together."
    ),
    "course": later("How many messages had been answered by when."),
    "queue": later(
        "Connections that are established and wait for accept; a cross is a SYN that found "
        "no place."
    ),
    "rate": later("What arrives, and what is under way without an acknowledgement."),
    "gap": later(
        "One exchange of each stream: above the line what the client sends, below the answers."
    ),
    "conversations": later(
        "Each row is a conversation: above the line the packets of who began it, "
        "below the answers; a cross is a packet that died."
    ),
}
"""What each figure shows, in a sentence."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure captioned by a sentence, with the meaning of each line; empty without a figure."""

    drawn: str = ""
    told: str = ""
    lines: Sequence[tuple[str, str, str]] = ()


def draw(record: Record, several: Sequence[Series], story: Story) -> Picture:
    """The figure that the record names, or else one that it has data for."""
    begin = traffic_begins(record)
    answered = [one for one in several if one.latencies]
    streams = traces.rate(story) if record.picture == "rate" else None
    drawers: dict[str, Callable[[], str | None]] = {
        "distribution": lambda: plots.distribution(answered[:6]) if answered else None,
        "strip": lambda: strips(several) if several else None,
        "waits": lambda: twice(lambda size: charts.waits(several, size) if answered else None),
        "course": lambda: twice(
            lambda size: charts.course(several, record, size) if answered else None
        ),
        "queue": lambda: twice(lambda size: traces.queue(story, size)),
        "rate": lambda: twice(lambda size: (traces.rate(story, size) or (None,))[0]),
        "gap": lambda: twice(lambda size: traces.gap(story, begin, record.programs, size)),
        "conversations": lambda: twice(lambda size: traces.rows(story, begin, {}, size)),
    }
    for kind in (record.picture, "distribution", "conversations"):
        picture = drawers[kind]() if kind in drawers else None
        if picture and kind == "rate" and streams:
            lines = [(plots.line(number), *one) for number, one in enumerate(streams[1])]
            return Picture(picture, _(TOLD[kind]), lines)
        if picture:
            named = several if kind in ("distribution", "course") else ()
            lines = [(plots.swatch(one), one.name, plots.summary(one)) for one in named]
            return Picture(picture, _(TOLD[kind]), lines)
    return Picture()


def twice(draw: Callable[[int], str | None]) -> str | None:
    """A figure for a screen, and one for a phone, where the other's words would be too small."""
    drawn = draw(charts.WIDTH), draw(charts.NARROW)
    return "".join(filter(None, drawn)) or None


def strips(several: Sequence[Series]) -> str:
    """The strips of the first two probes, side by side."""
    figures = [
        f"<div><p><strong>{strip.escape(one.name)}</strong></p>{strip.draw(one)}</div>"
        for one in several[:2]
    ]
    return f'<div class="pair strips">{"".join(figures)}</div>'
