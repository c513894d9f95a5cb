"""The strip: one mark for each message, in rows; shape and colour show the message's fate."""

from __future__ import annotations

import html
import math
from collections import defaultdict

from echolab.language import decimal
from echolab.language import translate as _
from echolab.report import svg
from echolab.report.messages import ANSWERED, FATES, LATE, LOST, OVERTAKEN, TWICE, Message, Series

WIDTH = 600
HIGH = 1.4
"""Height of a row, in widths of a mark."""
FEW, MANY = 500, 2000
"""Up to FEW messages stand 50 in a row, up to MANY 100 in a row, and more than that 200."""

CODES = {ANSWERED: "a", LATE: "l", LOST: "x", OVERTAKEN: "o", TWICE: "t"}
"""Codes of the fates for the page's script."""

WIDTHS = {ANSWERED: 0.3, "waited": 0.4, "waited-long": 0.55, "waited-longest": 0.75}
"""The width of a sign's line, in widths of a mark."""

SIGNS = {
    ANSWERED: "M{x} {top}v{size}",
    LATE: "M{x} {top}l{half} {size}h-{size}z",
    LOST: "M{left} {top}l{size} {size}m0-{size}l-{size} {size}",
    OVERTAKEN: "M{x} {top}l{half} {half}l-{half} {half}l-{half}-{half}z",
    TWICE: "M{left} {top}v{size}m{size} 0v-{size}",
}
"""A bar, a triangle, a cross, a lozenge, two bars."""


WAITED = {"waited": 1.5, "waited-long": 4.0, "waited-longest": 12.0}
"""Classes of slow answers: by how many times the usual latency they took."""


def draw(series: Series) -> str:
    """The strip of a probe, first message at the top left."""
    total = len(series.messages)
    columns = 50 if total <= FEW else 100 if total <= MANY else 200
    cell = WIDTH / columns
    rows = math.ceil(total / columns) or 1
    height = cell * HIGH * rows
    usual = usual_latency(series)
    paths: dict[str, list[str]] = defaultdict(list)
    for place, message in enumerate(series.messages):
        x, y = (place % columns + 0.5) * cell, (place // columns + 0.5) * cell * HIGH
        paths[waited(message, usual)].append(_sign(message.fate, x, y, cell))
    parts = [_path(fate, "".join(paths[fate]), cell) for fate in (*WAITED, *FATES) if fate in paths]
    picture = svg.image(WIDTH, height, told(series), *parts, class_="strip")
    fates = "".join(CODES[message.fate] for message in series.messages)
    waits = ",".join(
        "" if one.latency is None else f"{one.latency * 1e3:.4g}" for one in series.messages
    )
    head = (
        f'<div class="strip-box" tabindex="0" role="group" aria-label="Messages, one by one" '
        f'data-columns="{columns}" data-fates="{fates}" data-waits="{waits}">'
    )
    return f"{head}{picture}</div>"


def usual_latency(series: Series) -> float:
    """The median latency of a series in seconds; 0 if nothing was answered."""
    values = series.latencies
    return values[(len(values) - 1) // 2] if values else 0.0


def waited(message: Message, usual: float) -> str:
    """The fate of a message; if it was answered, how many times the usual latency it took."""
    if message.fate != ANSWERED or message.latency is None or not usual:
        return message.fate
    found = [name for name, times in WAITED.items() if message.latency > times * usual]
    return found[-1] if found else message.fate


def _sign(fate: str, x: float, y: float, cell: float) -> str:
    size = cell * (0.8 if fate in (ANSWERED, TWICE) else 0.74)
    if fate == TWICE:
        return (
            SIGNS[fate]
            .format(left=f"{x - cell * 0.22:.1f}", top=f"{y - size / 2:.1f}", size=f"{size:.1f}")
            .replace(f"m{size:.1f} 0", f"m{cell * 0.44:.1f} 0")
        )
    return SIGNS[fate].format(
        x=f"{x:.1f}",
        left=f"{x - size / 2:.1f}",
        top=f"{y - size / 2:.1f}",
        size=f"{size:.1f}",
        half=f"{size / 2:.1f}",
    )


def told(series: Series) -> str:
    """The strip in words."""
    counts = [f"{series.count(fate)} {_(fate)}" for fate in FATES if series.count(fate)]
    total = _("{count} messages").format(count=len(series.messages))
    return f"{total}, {series.name}: {', '.join(counts)}"


def escape(text: str) -> str:
    """A text as markup."""
    return html.escape(text)


def legend() -> str:
    """The marks and their meanings, shown above all strips."""
    entries = []
    for fate in FATES:
        sign = _path(fate, _sign(fate, 9, 9, 14), 14)
        picture = svg.element("svg", sign, viewBox="0 0 18 18", width=18, height=18)
        entries.append(f"<li>{picture}{_(fate)}</li>")
    for name, times in WAITED.items():
        told = _("took more than {times} times the usual").format(times=decimal(f"{times:g}"))
        sign = _path(name, _sign(ANSWERED, 9, 9, 14), 14)
        picture = svg.element("svg", sign, viewBox="0 0 18 18", width=18, height=18)
        entries.append(f"<li>{picture}{told}</li>")
    return f'<ul class="signs" aria-label="Signs">{"".join(entries)}</ul>'


def _path(fate: str, path: str, cell: float) -> str:
    return svg.element(
        "path",
        d=path,
        class_=f"fate {fate.replace(' ', '-')}",
        stroke_width=round(max(0.7, cell * WIDTHS.get(fate, 0.17)), 2),
    )
