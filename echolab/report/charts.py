"""Figures of messages that show a sentence at a glance: who waited for whom, what a cut cost."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from echolab.language import decimal
from echolab.language import translate as _
from echolab.record import Record
from echolab.report import plots, svg
from echolab.report.messages import Message, Series
from echolab.report.plots import BOTTOM, LEFT, RIGHT, TOP, Axis

WIDTH, NARROW, HEIGHT = 640, 340, 250
"""Pixels of a figure at the top of a page: its width on a screen and on a phone, its height."""

TELLING = {WIDTH: "plot telling", NARROW: "plot telling narrow"}
"""The class of a figure of either width; the style sheet shows one of them."""

AROUND = 30
"""How many messages are shown after the first that waited; before it a fifth as many."""


def waits(several: Sequence[Series], width: int = WIDTH) -> str:
    """A bar from the sending of each message to its answer; several figures share their axes.

    They stand side by side, or below each other where that is too narrow.
    It shows the messages around the one that waited longest, and those that waited for it.
    """
    shown = [one for one in several if one.latencies][:2]
    slowest = max(
        (message for one in shown for message in one.messages if message.latency is not None),
        key=lambda message: message.latency or 0.0,
    )
    first = max(0, slowest.number - AROUND // 5)
    parts = [_among(one, first, first + AROUND) for one in shown]
    begin = min(message.sent or 0.0 for part in parts for message in part)
    end = max(message.received or message.sent or 0.0 for part in parts for message in part)
    columns = len(shown) if width == WIDTH else 1
    panel = width / columns
    drawn: list[str] = []
    for number, (one, part) in enumerate(zip(shown, parts, strict=True)):
        left, top = number % columns * panel, number // columns * HEIGHT
        x = Axis(0.0, (end - begin) * 1e3, left + LEFT, left + panel - RIGHT)
        y = Axis(first, first + AROUND, top + TOP + 18, top + HEIGHT - BOTTOM)
        drawn.append(plots.frame(x, y, "ms", _("message"), top + TOP + 18))
        drawn.append(svg.text(one.name, x=left + LEFT, y=top + TOP + 4, class_="panel-name"))
        drawn += _bars(one, part, x, y, begin)
    told = (
        _("When each message was sent and answered.")
        + " "
        + "; ".join(f"{one.name}: {plots.summary(one)}" for one in shown)
    )
    height = HEIGHT * len(shown) // columns
    return svg.image(width, height, told, *drawn, class_=TELLING[width])


def _among(series: Series, first: int, last: int) -> list[Message]:
    return [one for one in series.messages if first <= one.number < last and one.sent is not None]


def _bars(
    series: Series, messages: Iterable[Message], x: Axis, y: Axis, begin: float
) -> Iterable[str]:
    for message in messages:
        place = y.place(message.number + 0.5)
        start = x.place(((message.sent or 0.0) - begin) * 1e3)
        if message.received is None:
            yield svg.element(
                "path", d=f"M{start:.1f} {place - 3:.1f}l6 6m0-6l-6 6", class_="crosses"
            )
            continue
        end = x.place((message.received - begin) * 1e3)
        line = f"M{start:.1f} {place:.1f}H{end:.1f}"
        title = svg.title(
            _("message {number} waited {wait} ms").format(
                number=message.number, wait=decimal(f"{(message.latency or 0) * 1e3:.3f}")
            )
        )
        yield svg.element("path", title, d=line, class_=f"wait {plots.look(series)}")
        yield svg.element("circle", cx=end, cy=place, r=2.2, class_="answer-dot")


def course(several: Sequence[Series], record: Record, width: int = WIDTH) -> str:
    """How many messages had been answered by which time; cuts of the network are shaded."""
    shown = [(one, probe) for one, probe in zip(several, record.probes, strict=True)][:4]
    zero = min(probe.started for _, probe in shown)
    lines = []
    for one, probe in shown:
        at = sorted(
            message.received + probe.started - zero
            for message in one.messages
            if message.received is not None
        )
        lines.append((one, at))
    end = max((at[-1] for _, at in lines if at), default=1.0)
    most = max(len(one.messages) for one, _ in shown)
    x = Axis(0.0, end, LEFT, width - RIGHT)
    y = Axis(0.0, most, HEIGHT - BOTTOM, TOP)
    parts = [_shade(x, begin - zero, over - zero) for begin, over in cuts(record)]
    parts.append(plots.frame(x, y, "s", _("messages answered")))
    parts += [_staircase(one, at, x, y) for one, at in lines]
    told = (
        _("How many messages had been answered by when.")
        + " "
        + "; ".join(f"{one.name}: {plots.summary(one)}" for one, _ in lines)
    )
    scales = {
        "x": plots.scale(x, "s"),
        "y": plots.scale(y, _("messages")),
        "names": "|".join(one.name for one, _ in lines),
    }
    return svg.image(width, HEIGHT, told, *parts, class_=TELLING[width], data=scales)


def cuts(record: Record) -> list[tuple[float, float]]:
    """From when until when, in lab seconds, the network was cut: by total loss, or on purpose."""
    found = [
        (stretch.began, stretch.ended)
        for stretch in record.links
        if any(link.loss == 1.0 for link in stretch.links)
    ]
    begun = [fault.at for fault in record.faults if fault.kind == "partition"]
    healed = [fault.at for fault in record.faults if fault.kind == "heal"]
    for at in begun:
        found.append((at, next((end for end in healed if end > at), record.lab_seconds)))
    return _united(found)


def _united(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    united: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if united and begin <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((begin, end))
    return united


def _shade(x: Axis, begin: float, end: float) -> str:
    left, right = x.place(begin), x.place(end)
    box = svg.element(
        "rect", x=left, y=TOP, width=right - left, height=HEIGHT - BOTTOM - TOP, class_="cut"
    )
    return box + svg.text(_("cut"), x=(left + right) / 2, y=TOP + 16, class_="cut-name middle")


def _staircase(series: Series, at: Sequence[float], x: Axis, y: Axis) -> str:
    path = [f"M{x.place(0):.1f} {y.place(0):.1f}"]
    counted = itertools.pairwise([*enumerate((round(x.place(one), 1) for one in at), 1), (0, -1.0)])
    for (number, here), (_next, following) in counted:
        if here != following:
            path.append(f"H{here:.1f}V{y.place(number):.1f}")
    path.append(f"H{x.end:.1f}")
    return svg.element("path", d="".join(path), class_=f"curve {plots.look(series)}")
