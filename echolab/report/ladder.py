"""The packet ladder: one lifeline a host, time downwards, a slanted line for each packet."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

from echolab.report import svg, words
from echolab.report.layout import Layout, lay_out
from echolab.report.pcap import NANOSECONDS
from echolab.report.steps import EVERYONE, Step, Story
from echolab.report.stretches import Stretch

BETWEEN = 400
"""Pixels between two lifelines."""

AXIS = 88
"""Pixels for the times at the left."""

LETTER, BESIDE = 7.4, 26
"""Pixels of one letter of a call, and from a lifeline to its calls."""

TOP, BOTTOM = 64, 26
LEGEND_ROW, LEGEND_COLUMN = 26, 236
DEATH = 0.5
"""Share of the way at which a packet that died is crossed out; on the wire nothing tells."""


def draw(stretch: Stretch, story: Story) -> str:
    """The figure of one stretch, as SVG that the page's style sheet colours."""
    figure = _Figure(stretch, story)
    return figure.draw()


class _Figure:
    def __init__(self, stretch: Stretch, story: Story) -> None:
        self.stretch = stretch
        self.story = story
        self.hosts = _present(stretch, story)
        self.layout: Layout = lay_out(stretch)
        left = AXIS + max(24, self._room(self.hosts[0]))
        right = max(44, self._room(self.hosts[-1]))
        self.x = {host: left + BETWEEN * place for place, host in enumerate(self.hosts)}
        self.width = left + BETWEEN * (len(self.hosts) - 1) + right
        self.floor = TOP + self.layout.height + 18

    def _room(self, host: str) -> int:
        """Pixels that the calls beside a host's lifeline need."""
        texts = [
            call.text if over is not None else f"{call.text} = {call.result}"
            for call, _, over in self.layout.calls
            if call.host == host
        ]
        return BESIDE + round(LETTER * max(map(len, texts))) if texts else 0

    def draw(self) -> str:
        legend, rows = self._legend()
        height = self.floor + BOTTOM + rows * LEGEND_ROW
        parts = [
            self._times(),
            *(self._lifeline(host) for host in self.hosts),
            *(self._break(mark) for mark in self.layout.breaks),
            *self._calls(),
            *(self._packet(step) for step in self.stretch.steps),
            *self._joins(),
            legend,
        ]
        name = f"{self.stretch.title}: {self.stretch.reason}"
        return svg.image(self.width, height, name, *parts, class_="ladder", role="group")

    def _lifeline(self, host: str) -> str:
        x = self.x[host]
        return svg.element(
            "g",
            svg.element("line", x1=x, y1=TOP - 14, x2=x, y2=self.floor, class_="life"),
            svg.text(host, x=x, y=TOP - 26, class_="host"),
        )

    def _times(self) -> str:
        start = self.stretch.begin
        parts = [svg.text("ms", x=AXIS - 22, y=TOP - 26, class_="time unit")]
        last = -math.inf
        for mark in self.layout.marks:
            y = TOP + self.layout.y[mark]
            if y - last < 15 or mark.kind == "missed":
                continue
            last = y
            since = (mark.at - start) / NANOSECONDS * 1e3
            parts.append(svg.text(f"{since:.3f}", x=AXIS - 22, y=y + 4, class_="time"))
            parts.append(
                svg.element("line", x1=AXIS - 16, y1=y, x2=self.width - 16, y2=y, class_="tick")
            )
        return svg.element("g", *parts, aria_hidden="true")

    def _break(self, place: tuple[float, int]) -> str:
        """A gap in time that is drawn shorter than it was."""
        y, nanoseconds = TOP + place[0], place[1]
        marks = [
            svg.element("path", d=f"M{x - 7} {y + 3:.1f}l14 -6m-14 10l14 -6", class_="break")
            for x in self.x.values()
        ]
        said = f"+{nanoseconds / NANOSECONDS * 1e3:.1f}"
        return svg.element("g", *marks, svg.text(said, x=AXIS - 22, y=y + 4, class_="passes"))

    # --- packets

    def _packet(self, step: Step) -> str:
        kind = words.kind(step)
        start = self._start(step)
        parts: list[str] = []
        for number, end in enumerate(self._ends(step)):
            parts += self._line(start, end, again=number > 0 and step.twice)
            if step.damaged:
                parts.append(_flash(*end))
        if not step.arrived:
            parts += self._death(step, start)
        parts += [self._origin(kind, start), self._label(step, start)]
        classes = ["packet", kind]
        classes += ["dead"] * step.died + ["damaged"] * step.damaged
        said = words.fields(step, self.story)
        return svg.element(
            "g",
            svg.title("\n".join(said)),
            *parts,
            class_=" ".join(classes),
            role="img",
            tabindex=0,
            data_number=step.number,
        )

    def _start(self, step: Step) -> tuple[float, float]:
        mark = self.layout.sent.get(step.number)
        if mark is None:  # nobody saw it leave: it comes in from the sender's lifeline
            mark = self.layout.arrived[step.number][0]
            return self.x[step.source], TOP + self.layout.y[mark] - 12
        return self.x[step.source], TOP + self.layout.y[mark]

    def _ends(self, step: Step) -> list[tuple[float, float]]:
        return [
            (self.x[mark.host], TOP + self.layout.y[mark])
            for mark in self.layout.arrived.get(step.number, ())
            if mark.host in self.x
        ]

    def _line(
        self, start: tuple[float, float], end: tuple[float, float], *, again: bool
    ) -> Iterable[str]:
        (x1, y1), (x2, y2) = start, end
        angle = math.atan2(y2 - y1, x2 - x1)
        tip = (x2 - 3 * math.cos(angle), y2 - 3 * math.sin(angle))
        yield svg.element(
            "line", x1=x1, y1=y1, x2=tip[0], y2=tip[1], class_="way twice" if again else "way"
        )
        wings = [
            (tip[0] - 11 * math.cos(angle + turn), tip[1] - 11 * math.sin(angle + turn))
            for turn in (0.38, -0.38)
        ]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (tip, *wings))
        yield svg.element("polygon", points=corners, class_="head")

    def _death_place(self, step: Step) -> tuple[float, float]:
        x, y = self._start(step)
        end = TOP + self.layout.y[self.layout.missed[step.number]]
        return x + (self._target_x(step) - x) * DEATH, y + (end - y) * DEATH

    def _lost_place(self, step: Step) -> tuple[float, float]:
        """Where a packet that needed healing came to its end: on the way, or damaged."""
        ends = self._ends(step)
        return ends[0] if ends else self._death_place(step)

    def _target_x(self, step: Step) -> float:
        if step.target in self.x:
            return self.x[step.target]
        others = [x for host, x in self.x.items() if host != step.source]
        return others[0] if others else self.x[step.source] + BETWEEN

    def _death(self, step: Step, start: tuple[float, float]) -> Iterable[str]:
        x, y = self._death_place(step)
        yield svg.element("line", x1=start[0], y1=start[1], x2=x, y2=y, class_="way")
        if step.died:
            cross = f"M{x - 8:.1f} {y - 8:.1f}l16 16m0 -16l-16 16"
            yield svg.element("path", d=cross, class_="cross")
        else:
            yield svg.text("?", x=x, y=y + 6, class_="unseen")

    def _origin(self, kind: str, start: tuple[float, float]) -> str:
        return _glyph(kind, *start)

    def _label(self, step: Step, start: tuple[float, float]) -> str:
        x, y = start
        ends = self._ends(step)
        target = ends[0] if ends else self._death_place(step) if not step.arrived else start
        rightward = target[0] >= x
        slope = (target[1] - y) / max(1.0, abs(target[0] - x))
        angle = math.degrees(math.atan(slope)) * (1 if rightward else -1)
        again = "↻ " if words.kind(step) == "again" else ""
        return svg.text(
            f"#{step.number} {again}{words.short(step)}",
            x=16 if rightward else -16,
            y=-6,
            transform=f"translate({x:.1f} {y:.1f}) rotate({angle:.1f})",
            class_="label" if rightward else "label left",
        )

    def _joins(self) -> Iterable[str]:
        """From each packet that died to the one that healed it."""
        shown = {step.number: step for step in self.stretch.steps}
        for dead, healer in sorted(self.story.healed_by.items()):
            if dead not in shown or healer not in shown:
                continue
            x1, y1 = self._lost_place(shown[dead])
            x2, y2 = self._start(shown[healer])
            side = 1 if x1 > x2 else -1
            path = (
                f"M{x1:.1f} {y1 + 11:.1f}C{x1:.1f} {(y1 + y2) / 2 + 10:.1f} "
                f"{x2 + side * 90:.1f} {(y1 + y2) / 2 - 6:.1f} {x2 + side * 11:.1f} {y2 - 7:.1f}"
            )
            yield svg.element(
                "path",
                svg.title(f"#{healer} carries the bytes of #{dead} again"),
                d=path,
                class_="join",
            )

    # --- system calls

    def _calls(self) -> Iterable[str]:
        for call, begun, over in self.layout.calls:
            x = self.x.get(call.host)
            if x is None:
                continue
            outside = -1 if call.host == self.hosts[0] else 1
            y = TOP + self.layout.y[begun]
            anchor = "call left" if outside < 0 else "call"
            at = x + outside * 18
            same = over is None
            said = f"{call.text} = {call.result}" if same else call.text
            parts = [svg.title(call.full), svg.text(said, x=at, y=y + 4, class_=anchor)]
            until = y + 7
            if over is not None:
                until = TOP + self.layout.y[over]
                parts.append(
                    svg.text(f"= {call.result}", x=at, y=until + 4, class_=f"{anchor} result")
                )
            bar = svg.element(
                "rect",
                x=x + outside * 9 - 3,
                y=y - 3,
                width=6,
                height=max(7.0, until - y + 3),
                rx=3,
                class_="bar",
            )
            yield svg.element("g", bar, *parts, class_="syscall", role="img", tabindex=0)

    # --- legend

    def _legend(self) -> tuple[str, int]:
        entries = _legend_entries(self.stretch, self.story)
        columns = max(1, int((self.width - 30) // LEGEND_COLUMN))
        parts = []
        for place, (kind, said) in enumerate(entries):
            x = 30 + (place % columns) * LEGEND_COLUMN
            y = self.floor + BOTTOM + (place // columns) * LEGEND_ROW
            parts.append(
                svg.element(
                    "g", *_sample(kind, x, y), svg.text(said, x=x + 46, y=y + 4), class_=kind
                )
            )
        rows = math.ceil(len(entries) / columns)
        return svg.element("g", *parts, class_="legend"), rows


def _present(stretch: Stretch, story: Story) -> tuple[str, ...]:
    """The hosts that take part, in the order of the topology."""
    taking_part = {host for step in stretch.steps for host in (step.source, step.target)}
    taking_part |= {
        arrival.host
        for step in stretch.steps
        if step.target == EVERYONE
        for arrival in step.passage.arrivals
    }
    return tuple(host for host in story.hosts if host in taking_part)


def _glyph(kind: str, x: float, y: float) -> str:
    """The sign at a packet's origin: every kind has a shape of its own."""
    if kind in ("syn", "fin", "rst"):
        return svg.element(
            "g",
            svg.element("rect", x=x - 8, y=y - 8, width=16, height=16, rx=3, class_="badge"),
            svg.text({"syn": "S", "fin": "F", "rst": "R"}[kind], x=x, y=y + 4, class_="letter"),
        )
    if kind == "ack":
        return svg.element("circle", cx=x, cy=y, r=4.5, class_="hollow")
    if kind == "data":
        return svg.element("circle", cx=x, cy=y, r=6, class_="full")
    if kind == "again":
        return svg.element("path", d=f"M{x - 8:.1f} {y - 7:.1f}h16l-8 14z", class_="full")
    if kind == "datagram":
        return svg.element("path", d=f"M{x - 8:.1f} {y + 6:.1f}h16l-8 -13z", class_="full")
    return svg.element("path", d=f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z", class_="hollow")


def _flash(x: float, y: float) -> str:
    """The sign of damage, at the arrowhead."""
    return svg.element("path", d=f"M{x - 3:.1f} {y - 11:.1f}l-5 11h9l-5 11", class_="flash")


def _sample(kind: str, x: float, y: float) -> Iterable[str]:
    if kind == "cross-sample":
        yield svg.element("path", d=f"M{x + 10} {y - 8}l16 16m0 -16l-16 16", class_="cross")
        return
    if kind == "unseen-sample":
        yield svg.text("?", x=x + 18, y=y + 6, class_="unseen")
        return
    if kind == "flash-sample":
        yield _flash(x + 20, y)
        return
    if kind == "join-sample":
        yield svg.element("path", d=f"M{x} {y - 6}c8 14 26 -2 36 10", class_="join")
        return
    if kind == "twice-sample":
        yield svg.element("line", x1=x, y1=y, x2=x + 36, y2=y, class_="way twice")
        return
    if kind == "bar-sample":
        yield svg.element("rect", x=x + 15, y=y - 9, width=6, height=18, rx=3, class_="bar")
        return
    yield svg.element("line", x1=x, y1=y, x2=x + 36, y2=y, class_="way")
    yield _glyph(kind, x + 18, y)


def _legend_entries(stretch: Stretch, story: Story) -> Sequence[tuple[str, str]]:
    present = {words.kind(step) for step in stretch.steps}
    entries = [(kind, said) for kind, said in words.KINDS.items() if kind in present]
    numbers = {step.number for step in stretch.steps}
    if any(step.died for step in stretch.steps):
        entries.append(("cross-sample", "the packet died"))
    if any(not step.arrived and not step.died for step in stretch.steps):
        entries.append(("unseen-sample", "no capture shows its arrival"))
    if any(step.damaged for step in stretch.steps):
        entries.append(("flash-sample", "arrived damaged, thrown away"))
    if any(dead in numbers and heal in numbers for dead, heal in story.healed_by.items()):
        entries.append(("join-sample", "the loss is healed by"))
    if any(step.twice for step in stretch.steps):
        entries.append(("twice-sample", "arrived a second time"))
    if stretch.calls:
        entries.append(("bar-sample", "system call, until it returns"))
    return entries


def caption(stretch: Stretch) -> str:
    """One sentence under a figure, escaped."""
    left_out = f" {stretch.omitted} packets in the middle are left out." if stretch.omitted else ""
    return html.escape(f"{stretch.reason[:1].upper()}{stretch.reason[1:]}.{left_out}")
