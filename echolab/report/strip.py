"""The strip: one mark a message, in rows, its shape and colour telling its fate."""

from __future__ import annotations

import math
from collections import defaultdict

from echolab.report import svg
from echolab.report.messages import ANSWERED, FATES, LATE, LOST, OVERTAKEN, TWICE, Series

WIDTH = 600
HIGH = 1.4
"""Height of a row, in widths of a mark."""
FEW, MANY = 500, 2000
"""Up to so many messages stand 50 in a row, up to so many 100, more than that 200."""

CODES = {ANSWERED: "a", LATE: "l", LOST: "x", OVERTAKEN: "o", TWICE: "t"}
"""Fates as the page's script reads them."""

SIGNS = {
    ANSWERED: "M{x} {top}v{size}",
    LATE: "M{x} {top}l{half} {size}h-{size}z",
    LOST: "M{left} {top}l{size} {size}m0-{size}l-{size} {size}",
    OVERTAKEN: "M{x} {top}l{half} {half}l-{half} {half}l-{half}-{half}z",
    TWICE: "M{left} {top}v{size}m{size} 0v-{size}",
}
"""A bar, a triangle, a cross, a lozenge, two bars."""


def draw(series: Series) -> str:
    """The strip of a probe, first message at the top left."""
    total = len(series.messages)
    columns = 50 if total <= FEW else 100 if total <= MANY else 200
    cell = WIDTH / columns
    rows = math.ceil(total / columns) or 1
    height = cell * HIGH * rows
    paths: dict[str, list[str]] = defaultdict(list)
    for place, message in enumerate(series.messages):
        x, y = (place % columns + 0.5) * cell, (place // columns + 0.5) * cell * HIGH
        paths[message.fate].append(_sign(message.fate, x, y, cell))
    parts = [_path(fate, "".join(paths[fate]), cell) for fate in FATES if fate in paths]
    picture = svg.image(WIDTH, height, told(series), *parts, class_="strip")
    fates = "".join(CODES[message.fate] for message in series.messages)
    head = f'<div class="strip-box" data-columns="{columns}" data-fates="{fates}">'
    return f"{head}{picture}</div>"


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
    counts = [f"{series.count(fate)} {fate}" for fate in FATES if series.count(fate)]
    return f"{len(series.messages)} messages, {series.name}: {', '.join(counts)}"


def legend() -> str:
    """The signs with their meaning, to stand above all strips."""
    entries = []
    for fate in FATES:
        sign = _path(fate, _sign(fate, 9, 9, 14), 14)
        picture = svg.element("svg", sign, viewBox="0 0 18 18", width=18, height=18)
        entries.append(f"<li>{picture}{fate}</li>")
    return f'<ul class="signs" aria-label="Signs">{"".join(entries)}</ul>'


def _path(fate: str, path: str, cell: float) -> str:
    return svg.element(
        "path",
        d=path,
        class_=f"fate {fate.replace(' ', '-')}",
        stroke_width=round(max(0.7, cell * (0.3 if fate == ANSWERED else 0.17)), 2),
    )
