"""Figures of latency: its distribution and its course over time.

They are drawn here rather than by a plotting library: 10,000 points take 60 KiB instead of the
1.1 MiB of matplotlib's SVG, no import takes two seconds, and the page's style sheet colours the
figures, so that they suit dark screens and print.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

from echolab.language import decimal
from echolab.language import translate as _
from echolab.report import svg
from echolab.report.messages import LOST, Series

WIDTH, PANEL, HEIGHT = 420, 340, 290
"""Pixels: the width of a distribution, that of one panel over time, the height of both."""

LEFT, RIGHT, TOP, BOTTOM = 62, 14, 18, 52
LOOKS = 6
"""Number of colour and dash styles; the style sheet has a class for each."""

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Axis:
    """Maps values to pixels, by their logarithm if they span more than a decade."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """The pixel of a value; a value beyond the axis is drawn at its border."""
        low, high, value = self._scaled(self.low), self._scaled(self.high), self._scaled(value)
        share = 0.5 if high == low else (value - low) / (high - low)
        return self.start + (self.end - self.start) * min(1.0, max(0.0, share))

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """Round values inside the axis: 1, 2, 5 times a power of ten."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if self.high / self.low < 1000 else (1,)
            values = [step * 10.0**decade for decade in decades for step in steps]
        else:
            step = _round_step((self.high - self.low) / 5)
            first, last = math.ceil(self.low / step), math.floor(self.high / step + 1e-9)
            values = [number * step for number in range(first, last + 1)]
        return [value for value in values if self.low <= value <= self.high * (1 + 1e-9)]


def scale(axis: Axis, unit: str) -> str:
    """An axis for the page's script, which reads values off a figure."""
    kind = "log" if axis.logarithmic else "even"
    return f"{axis.low:.9g} {axis.high:.9g} {axis.start:g} {axis.end:g} {kind} {unit}"


def _round_step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)


def latency_axis(several: Sequence[Series], start: float, end: float) -> Axis:
    """One axis for the latencies, in milliseconds, of all series that are shown together."""
    values = [value * 1e3 for series in several for value in series.latencies]
    if not values:
        return Axis(0.0, 1.0, start, end)
    low, high = min(values), max(values)
    if low > 0 and high / low > 4:
        return Axis(low / 1.15, high * 1.15, start, end, logarithmic=True)
    pad = max((high - low) * 0.1, high * 0.02, 1e-6)
    return Axis(max(0.0, low - pad), high + pad, start, end)


def look(series: Series) -> str:
    """The class that gives a series its colour and dashes."""
    return f"look{series.look % LOOKS}"


def distribution(several: Sequence[Series]) -> str:
    """The empirical distribution of the latencies of all messages, answered or not.

    A line that ends below 100 % ends at the share of messages that were answered.
    """
    x = latency_axis(several, LEFT, WIDTH - RIGHT)
    y = Axis(0.0, 100.0, HEIGHT - BOTTOM, TOP)
    parts = [frame(x, y, _("latency in ms"), _("% of messages answered by then"))]
    parts += [_steps(series, x, y) for series in several]
    scales = {
        "x": scale(x, "ms"),
        "y": scale(y, "%"),
        "names": "|".join(one.name for one in several),
    }
    return svg.image(WIDTH, HEIGHT, _told(several), *parts, class_="plot", data=scales)


def _told(several: Sequence[Series]) -> str:
    lines = [f"{series.name}: {summary(series)}" for series in several]
    return _("Distribution of the latency.") + " " + "; ".join(lines)


def summary(series: Series) -> str:
    """A series in words: how many were answered, the median and the slowest."""
    values = series.latencies
    if not values:
        return _("none of {of} answered").format(of=len(series.messages))
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    return _("{count} of {of} answered, median {median} ms, slowest {slowest} ms").format(
        count=len(values),
        of=len(series.messages),
        median=decimal(f"{middle * 1e3:.3f}"),
        slowest=decimal(f"{values[-1] * 1e3:.3f}"),
    )


def _steps(series: Series, x: Axis, y: Axis) -> str:
    """A staircase with at most one step per pixel."""
    values = series.latencies
    if not values:
        return ""
    total = len(series.messages)
    path = [f"M{x.place(values[0] * 1e3):.1f} {y.place(0):.1f}"]
    last = -1.0
    for number, value in enumerate(values, start=1):
        here = round(x.place(value * 1e3), 1)
        final = number == len(values)
        if not final and round(x.place(values[number] * 1e3), 1) == here:
            continue
        if here != last:
            path.append(f"H{here:.1f}")
        path.append(f"V{y.place(100 * number / total):.1f}")
        last = here
    path.append(f"H{x.end:.1f}")
    return svg.element("path", d="".join(path), class_=f"curve {look(series)}")


def over_time(series: Series, together: Sequence[Series]) -> str:
    """Each message at its sending time and the height of its latency; lost ones on a line above.

    `together` are the series that share its scales.
    """
    x = Axis(0.0, max(map(_last_sent, together)), LEFT, PANEL - RIGHT)
    y = latency_axis(together, HEIGHT - BOTTOM, TOP + 26)
    parts = [
        frame(x, y, _("s since the first message"), _("latency in ms")),
        svg.text(_("lost"), x=1, y=TOP + 8, class_="tick-label"),  # longer in some languages
        svg.element("path", d=_dots(series, x, y), class_=f"dots {look(series)}"),
        svg.element("path", d=_crosses(series, x), class_="crosses"),
    ]
    name = _("Latency over time, {name}").format(name=f"{series.name}: {summary(series)}")
    scales = {"x": scale(x, "s"), "y": scale(y, "ms"), "names": series.name}
    return svg.image(PANEL, HEIGHT, name, *parts, class_="plot", data=scales)


def _last_sent(series: Series) -> float:
    sent = [one.sent for one in series.messages if one.sent is not None]
    return max(sent, default=1.0) or 1.0


def _dots(series: Series, x: Axis, y: Axis) -> str:
    """One point for each message; points that would cover each other are merged."""
    places = {
        (round(x.place(one.sent) * 2), round(y.place(one.latency * 1e3) * 2))
        for one in series.messages
        if one.sent is not None and one.latency is not None
    }
    return "".join(f"M{a / 2:g} {b / 2:g}h0" for a, b in sorted(places))


def _crosses(series: Series, x: Axis) -> str:
    places = {round(x.place(one.sent or 0.0) * 2) for one in series.messages if one.fate == LOST}
    return "".join(f"M{a / 2 - 3:g} {TOP}l6 6m0-6l-6 6" for a in sorted(places))


def frame(x: Axis, y: Axis, below: str, beside: str, top: float = TOP) -> str:
    """The axes of a figure with their ticks, up to the pixel `top`."""
    parts: list[str] = []
    bottom = max(y.start, y.end)
    for value in sparse(x, 46):
        place = x.place(value)
        parts.append(svg.element("line", x1=place, y1=top, x2=place, y2=bottom))
        parts.append(svg.text(figure(value), x=place, y=bottom + 18, class_="tick-label middle"))
    for value in sparse(y, 20):
        place = y.place(value)
        parts.append(svg.element("line", x1=x.start, y1=place, x2=x.end, y2=place))
        parts.append(svg.text(figure(value), x=x.start - 6, y=place + 4, class_="tick-label end"))
    middle = (top + bottom) / 2
    parts.append(
        svg.text(below, x=(x.start + x.end) / 2, y=bottom + 38, class_="axis-label middle")
    )
    parts.append(
        svg.text(
            beside,
            transform=f"translate({x.start - LEFT + 14:g} {middle:g}) rotate(-90)",
            class_="axis-label middle",
        )
    )
    return svg.element("g", *parts, class_="frame", aria_hidden="true")


def sparse(axis: Axis, apart: float) -> Iterable[float]:
    """Ticks far enough apart for their labels."""
    last = -math.inf
    for value in axis.ticks():
        place = axis.place(value)
        if abs(place - last) >= apart:
            last = place
            yield value


def figure(value: float) -> str:
    """A number on an axis."""
    return decimal(f"{value:.6g}")


def swatch(series: Series) -> str:
    """The line of a series, as a symbol before its name."""
    return line(series.look)


def line(number: int) -> str:
    """The line of a look, as a symbol before a name."""
    line = svg.element("path", d="M2 8h32", class_=f"curve look{number % LOOKS}")
    return svg.element("svg", line, viewBox="0 0 36 16", width=36, height=16)
