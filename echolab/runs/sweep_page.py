"""The page of a sweep: small multiples, each with its points, their intervals, theory's curve."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from echolab.report import page, plots, svg
from echolab.report.plots import Axis
from echolab.runs.figures import Summary
from echolab.runs.sweep import Row, Sweep
from echolab.scenario.parameter import NUMBER

WIDTH, HEIGHT = 340, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 18, 48
"""Pixels of a panel, and of the margins around its figure."""

LONGEST = 28
"""The most letters of a figure's name beside a panel; the page's heading has the whole name."""

Placed = tuple[float, Summary]


def draw(sweep: Sweep, found: Sequence[Row], figure: str) -> str:
    """The page on one figure of a sweep; the same rows give the same text.

    The first axis is drawn from left to right; each combination of the others has a panel.
    """
    summaries = [row.summary for row in found if row.summary is not None]
    ends = [end for one in summaries for end in (one.low, one.high, one.theory) if end is not None]
    y = _axis(ends, HEIGHT - BOTTOM, TOP)
    places = _places(sweep.axes[0].values)
    x = _axis(list(places.values()), LEFT, WIDTH - RIGHT)
    panels = []
    for others in itertools.product(*(one.values for one in sweep.axes[1:])):
        fixed = dict(zip((one.parameter for one in sweep.axes[1:]), others, strict=True))
        placed = [
            (places[row.point[sweep.axes[0].parameter]], row.summary)
            for row in found
            if row.summary is not None and fixed.items() <= row.point.items()
        ]
        name = ", ".join(f"{key} = {value}" for key, value in fixed.items())
        panels.append((name, _panel(placed, x, y, sweep.axes[0].parameter, figure, name)))
    return (
        page.environment()
        .get_template("sweep.html.j2")
        .render(
            title=f"{figure} of {sweep.name} — echolab",
            sweep=sweep,
            figure=figure,
            panels=panels,
            rows=found,
            parameters=[one.parameter for one in sweep.axes],
            has_theory=any(one.theory is not None for one in summaries),
        )
    )


def _places(values: Sequence[str]) -> Mapping[str, float]:
    """Where each value of an axis is drawn: at its number or, for a word, in its turn."""
    found = [NUMBER.fullmatch(value) for value in values]
    units = {one[2] for one in found if one}
    if all(found) and len(units) == 1:
        return {value: float(one[1]) for value, one in zip(values, found, strict=True) if one}
    return {value: float(turn) for turn, value in enumerate(values, start=1)}


def _axis(values: Sequence[float], start: float, end: float) -> Axis:
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return Axis(low - margin, high + margin, start, end)


def _panel(
    placed: Sequence[Placed], x: Axis, y: Axis, parameter: str, figure: str, name: str
) -> str:
    told = f"{figure} / {parameter}" + (f", {name}" if name else "")
    beside = figure if len(figure) <= LONGEST else f"{figure[: LONGEST - 1].rstrip()}…"
    parts = [plots.frame(x, y, parameter, beside)]
    theory = [(at, one.theory) for at, one in placed if one.theory is not None]
    if len(theory) > 1:
        parts.append(svg.element("path", d=_line(theory, x, y), class_="curve look1"))
    for at, one in placed:
        here = x.place(at)
        interval = f"95 %: {one.low:.5g} … {one.high:.5g}"
        parts.append(
            svg.element(
                "path",
                svg.title(f"{at:g}: {one.value:.5g}, {interval}"),
                d=f"M{here:.1f} {y.place(one.low):.1f}V{y.place(one.high):.1f}"
                f"M{here - 3:.1f} {y.place(one.value):.1f}h6",
                class_="curve look0",
            )
        )
    seen = [(at, one.value) for at, one in placed]
    if len(seen) > 1:
        parts.append(svg.element("path", d=_line(seen, x, y), class_="curve thin look0"))
    return svg.image(WIDTH, HEIGHT, told, *parts, class_="plot")


def _line(points: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    return "M" + "L".join(f"{x.place(a):.1f} {y.place(b):.1f}" for a, b in sorted(points))
