"""The packet ladder: a lifeline for each host, time downwards to scale, a line for each packet."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Iterable, Sequence

from echolab.language import decimal, later
from echolab.language import translate as _
from echolab.record import Fault, Life
from echolab.report import labels, signs, svg
from echolab.report.calls import Call
from echolab.report.events import EVERYONE, PacketEvent, Story
from echolab.report.excerpts import Excerpt
from echolab.report.layout import Layout, lay_out, spread
from echolab.report.pcap import NANOSECONDS

BETWEEN = {2: 260, 3: 200}
"""Pixels between two lifelines, by the number of hosts; `CROWDED` for more."""

CROWDED = 170

TIMES, PAD = 66, 36
"""Pixels for the times, and outside the first and the last lifeline."""

GUTTER, LETTER = 300, 7.6
"""The most pixels for the words on either side, and the width of one of their letters."""

LINE = 16.0
"""Pixels from one line of words to the next."""

TOP, BOTTOM = 46, 14

NARROW = 330
"""Pixels into which the lifelines must fit on a phone, where the words are left out."""

DEATH = 0.5
"""Fraction of the way at which a dead packet is crossed out; the wire does not tell where."""

Point = tuple[float, float]


@dataclasses.dataclass
class _Words:
    """Words beside the lifelines: what they are about, and where that is."""

    text: str
    kind: str
    mark: Point
    left: bool
    y: float = 0.0


def draw(excerpt: Excerpt, story: Story) -> str:
    """The figure for one excerpt, as SVG that the page's style sheet colours."""
    return _Figure(excerpt, story).draw()


class _Figure:
    def __init__(self, excerpt: Excerpt, story: Story) -> None:
        self.excerpt = excerpt
        self.story = story
        self.hosts = present(excerpt, story)
        faults = labels.faults(excerpt, story)
        self.layout: Layout = lay_out(excerpt, [story.moment(fault) for fault in faults])
        self.words: dict[tuple[str, int], _Words] = {}
        self.x = dict.fromkeys(self.hosts, 0.0)
        self._gather(faults)
        self.gutters = [self._gutter(left) for left in (True, False)]
        between = BETWEEN.get(len(self.hosts), CROWDED)
        first = self.gutters[0] + TIMES + PAD
        self.x = {host: first + between * place for place, host in enumerate(self.hosts)}
        self.right = first + between * (len(self.hosts) - 1) + PAD
        self.width = self.right + self.gutters[1]
        self._gather(faults)
        lowest = max([0.0, *(one.y for one in self.words.values())])
        self.floor = max(TOP + self.layout.height + 14, lowest + 8)

    def _gather(self, faults: Sequence[Fault | Life]) -> None:
        """Collect all words, and give each a line of its own on its side."""
        self.words = {}
        for event in self.excerpt.packet_events:
            again = "↻ " if labels.kind(event) == "again" else ""
            text = f"#{event.number} {again}{labels.short(event)}"
            self._say("packet", event.number, text, event.source, self._start(event)[1])
        for number, call in enumerate(self.excerpt.calls):
            if call.host in self.x:
                said = f"{call.text} = {call.result}" if self._at_once(call) else call.text
                self._say("call", number, said, call.host, self._y(call.at))
                if call.returned is not None and not self._at_once(call):
                    self._say(
                        "result", number, f"= {call.result}", call.host, self._y(call.returned)
                    )
        for number, fault in enumerate(faults):
            struck = (fault.host,) if isinstance(fault, Life) else fault.hosts
            host = next((one for one in struck if one in self.x), self.hosts[0])
            y = self._y(self.story.moment(fault))
            self._say("fault", number, f"‼ {labels.fault_words(fault)}", host, y)
        for left in (True, False):
            side = sorted((one for one in self.words.values() if one.left == left), key=_by_mark)
            places = spread([one.mark[1] for one in side], LINE, TOP)
            for one, y in zip(side, places, strict=True):
                one.y = y

    def _say(self, kind: str, number: int, text: str, host: str, y: float) -> None:
        most = int(GUTTER / LETTER)
        text = text if len(text) <= most else f"{text[: most - 1]}…"
        left = self.hosts.index(host) < len(self.hosts) / 2
        self.words[kind, number] = _Words(text, kind, (self.x[host], y), left)

    def _gutter(self, left: bool) -> float:
        sizes = [len(one.text) for one in self.words.values() if one.left == left]
        return round(max(sizes, default=0) * LETTER) + 14

    def _y(self, at: int) -> float:
        return TOP + self.layout.y(at)

    def _at_once(self, call: Call) -> bool:
        return labels.at_once(call, self.excerpt)

    def draw(self) -> str:
        parts = [
            *self._leaders(),
            self._times(),
            *(self._lifeline(host) for host in self.hosts),
            *self._faults(),
            *self._calls(),
            *(self._packet(event) for event in self.excerpt.packet_events),
            *self._joins(),
        ]
        name = f"{_(self.excerpt.title)}: {_(self.excerpt.reason)}"
        middle = self.right - self.gutters[0]
        return svg.image(
            self.width,
            self.floor + BOTTOM,
            name,
            *parts,
            class_="ladder",
            role="group",
            variables={
                "gutter": f"{self.gutters[0]:.0f}px",
                "narrow": f"{min(1.0, NARROW / middle):.3f}",
            },
        )

    # --- the frame

    def _lifeline(self, host: str) -> str:
        x, y = self.x[host], TOP - 10.0
        parts = []
        for one in self.layout.breaks:
            top, bottom = TOP + one.top, TOP + one.bottom
            middle = (top + bottom) / 2
            parts.append(svg.element("line", x1=x, y1=y, x2=x, y2=middle - 5, class_="life"))
            zigzag = f"M{x - 7:.1f} {middle - 2:.1f}l14 -6m-14 10l14 -6"
            parts.append(svg.element("path", d=zigzag, class_="break"))
            y = middle + 5
        parts.append(svg.element("line", x1=x, y1=y, x2=x, y2=self.floor, class_="life"))
        return svg.element("g", *parts, svg.text(host, x=x, y=TOP - 22, class_="host"))

    def _times(self) -> str:
        """Times to scale: as many as there is room for, and the length of each break."""
        x = self.gutters[0] + TIMES - 8
        parts = [svg.text("ms", x=x, y=TOP - 22, class_="time unit")]
        taken = []
        for one in self.layout.breaks:
            y = TOP + (one.top + one.bottom) / 2
            taken.append(y)
            said = decimal(f"+{one.nanoseconds / NANOSECONDS * 1e3:.1f}")
            parts.append(svg.text(said, x=x, y=y + 4, class_="passes"))
        packets = {event.at for event in self.excerpt.packet_events}
        packets |= {
            arrival.at for event in self.excerpt.packet_events for arrival in event.passage.arrivals
        }
        for at in sorted(packets):
            y = self._y(at)
            if all(abs(y - other) >= 15 for other in taken):
                taken.append(y)
                since = (at - self.excerpt.begin) / NANOSECONDS * 1e3
                parts.append(svg.text(decimal(f"{since:.3f}"), x=x, y=y + 4, class_="time"))
                line = svg.element("line", x1=x + 5, y1=y, x2=self.right, y2=y, class_="tick")
                parts.append(line)
        return svg.element("g", *parts, aria_hidden="true")

    def _leaders(self) -> Iterable[str]:
        for one in self.words.values():
            if one.left:
                begin, bend, end = self.gutters[0] - 6, self.gutters[0] + 4, one.mark[0] - 12
            else:
                begin, bend, end = self.right + 6, self.right - 4, one.mark[0] + 12
            path = f"M{begin:.1f} {one.y:.1f}H{bend:.1f}L{end:.1f} {one.mark[1]:.1f}"
            yield svg.element("path", d=path, class_="leader")

    def _text(self, kind: str, number: int, class_: str) -> str:
        one = self.words[kind, number]
        x = self.gutters[0] - 10 if one.left else self.right + 10
        side = " left" if one.left else ""
        return svg.text(one.text, x=x, y=one.y + 4, class_=f"{class_}{side}")

    def _faults(self) -> Iterable[str]:
        for (kind, number), one in self.words.items():
            if kind == "fault":
                y, left = one.mark[1], self.gutters[0] + TIMES
                line = svg.element("line", x1=left, y1=y, x2=self.right, y2=y, class_="fault")
                yield svg.element("g", line, self._text("fault", number, "fault"))

    # --- packets

    def _packet(self, event: PacketEvent) -> str:
        kind = labels.kind(event)
        start = self._start(event)
        ends = self._ends(event)
        parts: list[str] = []
        for number, end in enumerate(ends):
            parts += _line(start, end, again=number > 0 and event.twice)
            if event.damaged:
                parts.append(signs.flash(*end))
        end = ends[0] if ends else self._death_place(event)
        if not event.arrived:
            parts += self._death(event, start, end)
        x1, y1, x2, y2 = (*start, *end)
        target = svg.element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="target")
        classes = ["packet", kind]
        classes += ["dead"] * event.died + ["damaged"] * event.damaged
        return svg.element(
            "g",
            svg.title("\n".join(labels.fields(event, self.story))),
            target,
            *parts,
            signs.glyph(kind, *start),
            self._text("packet", event.number, "label"),
            class_=" ".join(classes),
            role="img",
            tabindex=0,
            data_number=event.number,
            data_way=f"{x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f}",
        )

    def _start(self, event: PacketEvent) -> Point:
        if event.passage.sent is not None:
            return self.x[event.source], self._y(event.passage.sent)
        # Nobody saw it leave: it enters from the sender's lifeline.
        first = event.passage.arrivals[0].at if event.passage.arrivals else event.at
        return self.x[event.source], self._y(first) - 12

    def _ends(self, event: PacketEvent) -> list[Point]:
        return [
            (self.x[arrival.host], self._y(arrival.at))
            for arrival in event.passage.arrivals
            if arrival.host in self.x
        ]

    def _death_place(self, event: PacketEvent) -> Point:
        x, y = self._start(event)
        end = self._y(event.at + self.layout.flight)
        return x + (self._target_x(event) - x) * DEATH, y + (end - y) * DEATH

    def _target_x(self, event: PacketEvent) -> float:
        if event.target in self.x:
            return self.x[event.target]
        others = [x for host, x in self.x.items() if host != event.source]
        return others[0] if others else self.x[event.source] + CROWDED

    def _death(self, event: PacketEvent, start: Point, end: Point) -> Iterable[str]:
        (x1, y1), (x, y) = start, end
        yield svg.element("line", x1=x1, y1=y1, x2=x, y2=y, class_="way")
        yield signs.cross(x, y) if event.died else svg.text("?", x=x, y=y + 6, class_="unseen")

    def _joins(self) -> Iterable[str]:
        """Lines from each packet that died to the one that healed it."""
        shown = {event.number: event for event in self.excerpt.packet_events}
        for dead, healer in sorted(self.story.healed_by.items()):
            if dead not in shown or healer not in shown:
                continue
            ends = self._ends(shown[dead])
            x1, y1 = ends[0] if ends else self._death_place(shown[dead])
            x2, y2 = self._start(shown[healer])
            side = 1 if x1 > x2 else -1
            path = (
                f"M{x1:.1f} {y1 + 11:.1f}C{x1:.1f} {(y1 + y2) / 2 + 10:.1f} "
                f"{x2 + side * 70:.1f} {(y1 + y2) / 2 - 6:.1f} {x2 + side * 11:.1f} {y2 - 7:.1f}"
            )
            said = svg.title(
                _("#{healer} carries the bytes of #{dead} again").format(healer=healer, dead=dead)
            )
            yield svg.element("path", said, d=path, class_="join")

    # --- system calls

    def _calls(self) -> Iterable[str]:
        for number, call in enumerate(self.excerpt.calls):
            if call.host not in self.x:
                continue
            left = self.words["call", number].left
            y, until = self._y(call.at), self._y(call.returned or call.at)
            bar = svg.element(
                "rect",
                x=self.x[call.host] + (-9 if left else 9) - 3,
                y=y - 3,
                width=6,
                height=max(7.0, until - y + 3),
                rx=3,
                class_="bar",
            )
            texts = [self._text("call", number, "call")]
            if ("result", number) in self.words:
                texts.append(self._text("result", number, "call result"))
            yield svg.element(
                "g", svg.title(call.full), bar, *texts, class_="syscall", role="img", tabindex=0
            )


def _by_mark(words: _Words) -> float:
    return words.mark[1]


def _line(start: Point, end: Point, *, again: bool) -> Iterable[str]:
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


def present(excerpt: Excerpt, story: Story) -> tuple[str, ...]:
    """The hosts that take part, in the order of the topology."""
    taking_part = {host for event in excerpt.packet_events for host in (event.source, event.target)}
    taking_part |= {
        arrival.host
        for event in excerpt.packet_events
        if event.target == EVERYONE
        for arrival in event.passage.arrivals
    }
    return tuple(host for host in story.hosts if host in taking_part)


def legend(excerpt: Excerpt, story: Story) -> str:
    """The meanings of the signs in a figure, as a list beside it."""
    present = {labels.kind(event) for event in excerpt.packet_events}
    entries = [(kind, said) for kind, said in labels.KINDS.items() if kind in present]
    numbers = {event.number for event in excerpt.packet_events}
    if any(event.died for event in excerpt.packet_events):
        entries.append(("cross-sample", later("the packet died")))
    if any(not event.arrived and not event.died for event in excerpt.packet_events):
        entries.append(("unseen-sample", later("no capture shows its arrival")))
    if any(event.damaged for event in excerpt.packet_events):
        entries.append(("flash-sample", later("arrived damaged, thrown away")))
    if any(dead in numbers and heal in numbers for dead, heal in story.healed_by.items()):
        entries.append(("join-sample", later("the loss is healed by")))
    if any(event.twice for event in excerpt.packet_events):
        entries.append(("twice-sample", later("arrived a second time")))
    if excerpt.calls:
        entries.append(("bar-sample", later("system call, until it returns")))
    items = [f"<li>{signs.sample(kind)}{html.escape(_(said))}</li>" for kind, said in entries]
    return f'<ul class="signs legend">{"".join(items)}</ul>'


def caption(excerpt: Excerpt) -> str:
    """One sentence under a figure, escaped."""
    said, left_out = _(excerpt.reason), ""
    if excerpt.omitted:
        left_out = _("{count} packets in the middle are left out.").format(count=excerpt.omitted)
    return html.escape(f"{said[:1].upper()}{said[1:]}. {left_out}".rstrip())
