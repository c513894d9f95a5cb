"""Figures of the packet story that show a sentence at a glance: queue, rate, gap, attempts."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from echolab.language import decimal
from echolab.language import translate as _
from echolab.record import ProgramRun
from echolab.report import labels, plots, signs, svg
from echolab.report.charts import HEIGHT, TELLING, WIDTH
from echolab.report.events import PacketEvent, Story
from echolab.report.packet import Conversation
from echolab.report.pcap import NANOSECONDS
from echolab.report.plots import BOTTOM, LEFT, RIGHT, TOP, Axis

MOST_ROWS = 8
"""The most conversations that are shown, the first ones."""

BINS = 60
"""How many stretches of time have a rate of their own."""

NAME, NAMED = 178, 62.0
"""Pixels for the names of rows; the height of a row below its name."""


def conversations(story: Story, begin: float = 0.0) -> dict[Conversation, list[PacketEvent]]:
    """The packets of each conversation, in the order in which they began, from a lab second on."""
    found: dict[Conversation, list[PacketEvent]] = defaultdict(list)
    for event in story.packet_events:
        if story.seconds(event.at) >= begin:
            found[event.conversation].append(event)
    return dict(found)


# --- the queue of a listening socket


def queue(story: Story, width: int = WIDTH) -> str | None:
    """How many connections wait to be accepted, as bars over time; None without such a story.

    A connection waits from the end of its handshake until accept returns. A SYN that is never
    answered found no place.
    """
    accepted = sorted(
        call.returned
        for call in story.calls
        if call.text.startswith("accept(") and call.returned and call.result.isdigit()
    )
    established, refused = _handshakes(story)
    if not accepted or not established:
        return None
    changes = sorted([(at, 1) for at in established] + [(at, -1) for at in accepted])
    begin = min([established[0], *refused])
    end = max(changes[-1][0], *refused, accepted[-1])
    span = (end - begin) / NANOSECONDS * 1.03
    steps, length = [(0.0, 0)], 0
    for when, by in changes:
        length = max(0, length + by)
        steps.append((max(0.0, (when - begin) / NANOSECONDS), length))
    most = max(length for _, length in steps)
    x = Axis(0.0, span, LEFT, width - RIGHT)
    y = Axis(0.0, most + 1.5, HEIGHT - BOTTOM, TOP)
    parts = [plots.frame(x, y, "s", _("connections in the queue"))]
    for (at, count), (until, _count) in zip(steps, [*steps[1:], (span, 0)], strict=True):
        left, right = x.place(at), x.place(until)
        if count and right > left:
            top = y.place(count)
            bar = svg.element(
                "rect", x=left, y=top, width=right - left, height=y.start - top, class_="queued"
            )
            parts.append(bar)
    for syn in refused:
        place = x.place((syn - begin) / NANOSECONDS)
        top = y.place(most + 0.9)
        parts.append(
            svg.element("path", d=f"M{place - 3:.1f} {top - 3:.1f}l6 6m0-6l-6 6", class_="crosses")
        )
    told = _(
        "The queue of the listening socket over time: at most {most} connections wait; "
        "{refused} SYNs (crosses) found no place"
    ).format(most=most, refused=len(refused))
    return svg.image(width, HEIGHT, told, *parts, class_=TELLING[width])


def _handshakes(story: Story) -> tuple[list[int], list[int]]:
    """When handshakes were complete, and when SYNs arrived that were never answered."""
    established, refused = [], []
    listening = {call.host for call in story.calls if call.text.startswith("accept(")}
    for packets in conversations(story).values():
        syns = [one for one in packets if one.packet.flags == "S" and one.target in listening]
        answers = [one.at for one in packets if one.packet.flags == "SA"]
        if not syns:
            continue
        for number, syn in enumerate(syns):
            until = syns[number + 1].at if number + 1 < len(syns) else story.packet_events[-1].end
            arrived = [arrival.at for arrival in syn.passage.arrivals]
            if arrived and not any(arrived[0] <= at < until for at in answers):
                refused.append(arrived[0])
        own = [one for one in packets if one.source == syns[0].source and one.passage.arrivals]
        last = (one for one in own if "A" in one.packet.flags and answers and one.at >= answers[0])
        established += [one.passage.arrivals[0].at for one in itertools.islice(last, 1)]
    return sorted(established), sorted(refused)


# --- throughput and window


@dataclasses.dataclass(frozen=True)
class _Flow:
    """The course of one stream: seconds with the rate then, and with the bytes under way."""

    rate: Sequence[tuple[float, float]]
    window: Sequence[tuple[float, float]]
    name: str
    told: str


def rate(story: Story, width: int = WIDTH) -> tuple[str, list[tuple[str, str]]] | None:
    """Throughput and bytes under way of the two largest streams over time, and what each is."""
    streams = [packets for key, packets in conversations(story).items() if key[0] == "tcp"]
    streams.sort(key=lambda packets: -sum(one.packet.length for one in packets))
    largest = sorted(streams[:2], key=lambda packets: packets[0].at)
    flows = [flow for packets in largest if (flow := _flow(packets))]
    if not flows:
        return None
    half = (HEIGHT + 40) / 2
    end = max(flow.rate[-1][0] for flow in flows)
    fastest = max(value for flow in flows for _, value in flow.rate)
    widest = max(value for flow in flows for _, value in flow.window)
    parts = []
    for row, (name, top, high) in enumerate(
        ((_("Mbit/s arriving"), TOP, fastest), (_("kB under way"), half + TOP - 8, widest))
    ):
        x = Axis(0.0, end, LEFT, width - RIGHT)
        y = Axis(0.0, high * 1.05, top + half - BOTTOM - TOP + 8, top)
        parts.append(plots.frame(x, y, "s" if row else "", name, top))
        for number, flow in enumerate(flows):
            points = flow.window if row else flow.rate
            path = "L".join(f"{x.place(at):.1f} {y.place(value):.1f}" for at, value in points)
            parts.append(svg.element("path", d=f"M{path}", class_=f"curve look{number}"))
    told = _("Throughput and bytes under way of the two largest streams over time")
    drawn = svg.image(width, HEIGHT + 40, told, *parts, class_=TELLING[width])
    return drawn, [(flow.name, flow.told) for flow in flows]


def _flow(packets: Sequence[PacketEvent]) -> _Flow | None:
    """The course of the direction of a stream that carries more."""
    carried: dict[str, int] = defaultdict(int)
    for one in packets:
        carried[one.source] += one.packet.length
    sender = max(carried, key=lambda host: carried[host], default="")
    if not carried.get(sender):
        return None
    zero = packets[0].at
    arrived = sorted(
        (arrival.at, one.packet.length)
        for one in packets
        if one.source == sender and not one.damaged
        for arrival in one.passage.arrivals[:1]
        if one.packet.length
    )
    if len(arrived) < 2:
        return None
    span = arrived[-1][0] - zero
    bins = [0] * BINS
    for at, length in arrived:
        bins[min(BINS - 1, (at - zero) * BINS // span)] += length
    width = span / BINS / NANOSECONDS
    rates = [((number + 0.5) * width, 8 * sum_ / width / 1e6) for number, sum_ in enumerate(bins)]
    total = sum(bins)
    speed = 8 * total / (span / NANOSECONDS) / 1e6
    told = decimal(
        _("{size} MB in {seconds} s, {rate} Mbit/s").format(
            size=f"{total / 1e6:.2f}", seconds=f"{span / NANOSECONDS:.2f}", rate=f"{speed:.2f}"
        )
    )
    return _Flow(rates, _under_way(packets, sender, zero, span), name(packets), told)


def _under_way(
    packets: Sequence[PacketEvent], sender: str, zero: int, span: int
) -> list[tuple[float, float]]:
    """The bytes that were sent and not acknowledged yet, as the sender knows."""
    moves: list[tuple[int, int, int]] = []
    for one in packets:
        if one.role is None:
            continue
        if one.source == sender and one.packet.length:
            moves.append((one.at, 1, one.role.sequence + one.packet.length))
        elif one.source != sender and "A" in one.packet.flags and one.passage.arrivals:
            moves.append((one.passage.arrivals[0].at, 0, one.role.acknowledgement))
    sent = heard = 0
    course: list[tuple[float, float]] = []
    for at, sends, number in sorted(moves):
        sent, heard = (max(sent, number), heard) if sends else (sent, max(heard, number))
        course.append(((at - zero) / NANOSECONDS, max(0, sent - heard) / 1e3))
    times = [at for at, _ in course]
    grid = (span / NANOSECONDS * number / (4 * BINS) for number in range(1, 4 * BINS + 1))
    return [(at, course[max(0, bisect.bisect_right(times, at) - 1)][1]) for at in grid]


# --- rows of packets


@dataclasses.dataclass(frozen=True)
class _Row:
    """Packets that are shown in a row: from when on, and what is said about them."""

    name: str
    packets: Sequence[PacketEvent]
    begin: int
    told: str = ""
    gap: tuple[int, int] | None = None


def rows(
    story: Story, begin: float, names: Mapping[Conversation, str], width: int = WIDTH
) -> str | None:
    """Conversations as rows of packets: above the line the initiator's, below the answers."""
    found = list(conversations(story, begin).items())
    found = [(key, packets) for key, packets in found if key[0] in ("tcp", "udp", "arp")]
    shown = [
        _Row(names.get(key) or name(packets), packets, packets[0].at)
        for key, packets in found[:MOST_ROWS]
    ]
    told = _("The packets of each conversation")
    return _draw_rows(shown, story, told, width) if shown else None


def gap(
    story: Story, begin: float, programs: Sequence[ProgramRun], width: int = WIDTH
) -> str | None:
    """One exchange of each stream, with the longest wait between two packets of its client."""
    found = [
        packets
        for key, packets in conversations(story, begin).items()
        if key[0] == "tcp" and sum(one.packet.length > 0 for one in packets) > 4
    ]
    shown = [
        dataclasses.replace(
            row, name=", ".join(filter(None, (_manner(row, story, programs), row.name)))
        )
        for packets in found[:4]
        if (row := _exchange(packets))
    ]
    if not shown:
        return None
    told = _("One exchange of each stream; the marked wait is the longest")
    return _draw_rows(shown, story, told, width)


def _manner(row: _Row, story: Story, programs: Sequence[ProgramRun]) -> str:
    """The last argument of the program that these packets belong to, if it was started with one."""
    at, host = story.seconds(row.begin), row.packets[0].source
    words = [
        one.argv[-1] for one in programs if one.host == host and one.started <= at <= one.ended
    ]
    return words[-1] if words and words[-1].isalpha() else ""


def _exchange(packets: Sequence[PacketEvent]) -> _Row | None:
    """The exchange in the middle: from the first data of the client to the answer's arrival."""
    client = packets[0].source
    exchanges: list[list[PacketEvent]] = [[]]
    for one in packets:
        mine = one.source == client
        answered = exchanges[-1] and any(
            p.source != client and p.packet.length for p in exchanges[-1]
        )
        if mine and one.packet.length and answered:
            exchanges.append([])
        if exchanges[-1] or (mine and one.packet.length):
            exchanges[-1].append(one)
    whole = [one for one in exchanges if any(p.source != client and p.packet.length for p in one)]
    if not whole:
        return None
    middle = whole[len(whole) // 2]
    answer = max(p.end for p in middle if p.source != client and p.packet.length)
    middle = [one for one in middle if one.at <= answer]
    sent = [one.at for one in middle if one.source == client and one.packet.length]
    waits = [(after - before, before, after) for before, after in itertools.pairwise(sent)]
    took = (answer - middle[0].at) / NANOSECONDS * 1e3
    longest = max(waits, default=(0, 0, 0))
    marked = longest[1:] if longest[0] > (answer - middle[0].at) / 4 else None
    words = _("{count} segments").format(count=len(sent)) if len(sent) > 1 else _("one segment")
    return _Row(words, middle, middle[0].at, decimal(f"{took:.1f} ms"), marked)


def name(packets: Sequence[PacketEvent]) -> str:
    """A conversation in a few words."""
    first = packets[0]
    protocol = first.packet.protocol
    kind = {"tcp": _("stream"), "udp": _("datagrams")}.get(protocol, protocol.upper())
    port = first.packet.destination_port
    if not port:
        return kind
    return _("{kind} to {end}").format(kind=kind, end=f"{first.target}:{port}")


def _draw_rows(shown: Sequence[_Row], story: Story, told: str, width: int) -> str:
    """A row with its name before it, or above it where that is too narrow."""
    above = width != WIDTH
    span = max(max(one.end for one in row.packets) - row.begin for row in shown)
    unit, word = (1e9, "s") if span > 3e9 else (1e6, "ms")
    if _piled_up(shown, span):
        shown = [_in_order(row) for row in shown]
        span, unit, word = max(len(row.packets) for row in shown), 1.0, _("packets in their order")
    space = NAMED if above else max(34.0, min(58.0, 190 / len(shown)))
    bottom = TOP + space * len(shown) + 6
    start, end = (10, width - 12) if above else (NAME, width - 80)
    x = Axis(0.0, span / unit or 1.0, start, end)
    parts = [_time_axis(x, bottom, word)]
    for number, row in enumerate(shown):
        y = TOP + space * number + (44 if above else space / 2)
        parts.append(svg.element("line", x1=start, y1=y, x2=x.end, y2=y, class_="row"))
        if above:
            parts.append(svg.text(row.name[:40], x=start, y=y - 26, class_="row-name"))
        else:
            parts.append(svg.text(row.name[:26], x=NAME - 10, y=y + 4, class_="row-name end"))
        if row.told and above:
            parts.append(svg.text(row.told, x=x.end, y=y - 26, class_="row-told end"))
        elif row.told:
            parts.append(svg.text(row.told, x=x.end + 6, y=y + 4, class_="row-told"))
        if row.gap:
            left, right = (x.place((at - row.begin) / unit) for at in row.gap)
            wait = (row.gap[1] - row.gap[0]) / NANOSECONDS * 1e3
            box = svg.element("rect", x=left, y=y - 15, width=right - left, height=30, class_="cut")
            middle = (left + right) / 2
            parts.append(box)
            parts.append(
                svg.text(decimal(f"{wait:.1f} ms"), x=middle, y=y - 4, class_="cut-name middle")
            )
        parts += _packets(row, x, y, unit, story)
    return svg.image(width, bottom + 44, told, *parts, class_=f"{TELLING[width]} ladder-signs")


def _piled_up(shown: Sequence[_Row], span: int) -> bool:
    """Whether most packets would overlap if time were drawn to scale."""
    total = sum(len(row.packets) for row in shown)
    places = {
        (number, one.source, (one.at - row.begin) * 60 // max(span, 1))
        for number, row in enumerate(shown)
        for one in row.packets
    }
    return len(places) < total / 2 and total <= 24 * len(shown)


def _in_order(row: _Row) -> _Row:
    """The row with its packets one unit apart."""
    packets = [
        dataclasses.replace(one, passage=dataclasses.replace(one.passage, sent=number, copies=None))
        for number, one in enumerate(row.packets)
    ]
    return dataclasses.replace(row, packets=packets, begin=0, gap=None)


def _time_axis(x: Axis, bottom: float, word: str) -> str:
    parts = []
    for value in plots.sparse(x, 46):
        place = x.place(value)
        parts.append(svg.element("line", x1=place, y1=TOP, x2=place, y2=bottom))
        label = svg.text(plots.figure(value), x=place, y=bottom + 18, class_="tick-label middle")
        parts.append(label)
    middle = (x.start + x.end) / 2
    parts.append(svg.text(word, x=middle, y=bottom + 38, class_="axis-label middle"))
    return svg.element("g", *parts, class_="frame", aria_hidden="true")


def _packets(row: _Row, x: Axis, y: float, unit: float, story: Story) -> Iterable[str]:
    first = row.packets[0].source
    taken: dict[tuple[bool, int], int] = {}
    for one in row.packets:
        up = one.source == first
        place = x.place((one.at - row.begin) / unit)
        key = (up, round(place / 6))
        taken[key] = taken.get(key, 0) + 1
        if taken[key] > 1:
            continue  # it would overlap the one before it
        height = y + (-9 if up else 9)
        kind = labels.kind(one)
        glyph = signs.glyph(kind, place, height)
        dead = signs.cross(place, height) if one.died else ""
        title = svg.title("\n".join(labels.fields(one, story)))
        yield svg.element("g", title, glyph, dead, class_=f"sign {kind}")
