"""Which excerpts of a story to show: the most telling ones by rule, others by choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from echolab.language import decimal, later
from echolab.language import translate as _
from echolab.report.calls import Call
from echolab.report.events import PacketEvent, Story
from echolab.report.pcap import NANOSECONDS

EXCHANGE = 14
"""Packets after the first one of the first exchange: enough to open, use and close a stream."""

LONGEST = 36
"""The most packets in an excerpt: as many as fit on a page."""

AHEAD, BEHIND = 4, 6
"""Packets of the same conversation shown before and after the subject of an excerpt."""

MOST = 12
"""The most excerpts from a story."""


@dataclasses.dataclass(frozen=True)
class Excerpt:
    """Consecutive packets of one conversation or period, and the calls in that period.

    `title` names it, `reason` says what to look at, `name` is what a scenario calls its kind;
    `omitted` counts the packets left out because there were too many.
    """

    title: str
    reason: str
    packet_events: tuple[PacketEvent, ...]
    calls: tuple[Call, ...]
    omitted: int = 0
    name: str = ""

    @property
    def begin(self) -> int:
        """Nanosecond of its first packet or call."""
        return min([event.at for event in self.packet_events] + [call.at for call in self.calls])

    @property
    def end(self) -> int:
        """Nanosecond of the last arrival."""
        return max(event.end for event in self.packet_events)


Test = Callable[[PacketEvent], bool]

KINDS: tuple[tuple[str, str, str, Test], ...] = (
    (
        "died",
        later("A datagram that died"),
        later("nobody sends it again: it is gone"),
        lambda event: event.packet.protocol == "udp" and event.died,
    ),
    (
        "needless",
        later("Sent again although it had arrived"),
        later("the sender heard of it too late, or not at all"),
        lambda event: event.role is not None and event.role.needless,
    ),
    (
        "reset",
        later("A port where nobody listens"),
        later("and the host says so"),
        lambda event: (
            (
                event.packet.flags == "RA"
                and event.packet.acknowledgement != 0
                and event.role is not None
                and event.role.acknowledgement <= 1
                and event.role.sequence == 0
            )
            or (event.packet.protocol == "icmp" and event.packet.text == "port unreachable")
        ),
    ),
    (
        "twice",
        later("A packet that arrived twice"),
        later("the link doubled it"),
        lambda event: event.twice,
    ),
    (
        "overtakes",
        later("A packet that overtook another"),
        later("the lines cross"),
        lambda event: event.overtakes,
    ),
    (
        "damaged",
        later("A packet that arrived damaged"),
        later("its checksum is wrong, so the receiver throws it away"),
        lambda event: event.damaged,
    ),
    (
        "fragments",
        later("A datagram in fragments"),
        later("it arrives only if every fragment does"),
        lambda event: event.piece is not None,
    ),
    (
        "open",
        later("A connection is made"),
        later("three packets before the first byte"),
        lambda event: "S" in event.packet.flags,
    ),
    (
        "close",
        later("A connection is closed"),
        later("each side says for itself that it has nothing more to send"),
        lambda event: "F" in event.packet.flags,
    ),
    (
        "datagram",
        later("A datagram and its answer"),
        later("the first packet already carries the message"),
        lambda event: event.packet.protocol == "udp",
    ),
)
"""Name, title, reason and test of each kind of excerpt; a story shows its first packet of each."""


def choose(story: Story, begin: float = 0.0, first: str = "") -> tuple[Excerpt, ...]:
    """Excerpts from a story, the most telling one first; empty if it has no packets.

    Excerpts in which hosts fail come first. Otherwise the most telling one is the first loss that
    was healed, or else the first exchange after `begin` (lab seconds, when the first probe or
    program started). An excerpt of the kind `first` comes before all others.
    """
    found = list(_at_faults(story))
    for number, title in enumerate(
        (
            later("The first loss that was healed"),
            later("Another loss that was healed"),
            later("A third one"),
        )
    ):
        excerpt = _healed(story, number, title)
        if excerpt is not None:
            found.append(_named("healed", excerpt))
    if not found:
        found += _first_exchange(story, begin)
    for name, title, reason, test in KINDS:
        for event in story.packet_events:
            if test(event) and story.seconds(event.at) >= begin:
                found.append(_named(name, _around(story, event, event, title, reason)))
                break
    if first in SEARCHES:
        wanted = SEARCHES[first](story, begin)
        found += [_named(first, wanted)] if wanted else []
    found.sort(key=lambda excerpt: excerpt.name != first)
    return tuple(_distinct(found))[:MOST]


def _named(name: str, excerpt: Excerpt) -> Excerpt:
    return dataclasses.replace(excerpt, name=name)


def _cut(story: Story, begin: float) -> Excerpt | None:
    """The moment when the network falls silent, in all conversations."""
    for place, event in enumerate(story.packet_events):
        if event.died and story.seconds(event.at) >= begin:
            around = list(story.packet_events[max(0, place - AHEAD) : place + LONGEST // 2])
            return _make(story, later("The cut"), later("what is sent from now on dies"), around)
    return None


def _gap(story: Story, begin: float) -> Excerpt | None:
    """The first long wait of a sender that had more to send."""
    last: dict[tuple[object, str], PacketEvent] = {}
    for event in story.packet_events:
        if event.packet.protocol != "tcp" or story.seconds(event.at) < begin:
            continue
        before = last.get((event.conversation, event.source))
        last[event.conversation, event.source] = event
        other = {key: one for key, one in last.items() if key[0] == event.conversation}
        heard = any(
            before is not None and before.at < one.at and not one.packet.length
            for key, one in other.items()
            if key[1] != event.source
        )
        if before and heard and before.packet.length and event.packet.length:
            waited = event.at - before.at
            if waited >= LONG_WAIT and "F" not in event.packet.flags:
                told = _("{wait} ms until the next segment is sent").format(
                    wait=decimal(f"{waited / NANOSECONDS * 1e3:.3f}")
                )
                return _around(story, before, event, later("The gap"), told)
    return None


def _no_place(story: Story, begin: float) -> Excerpt | None:
    """The first SYN that arrived and was not answered, and the SYNs that followed it."""
    answered = {event.conversation for event in story.packet_events if event.packet.flags == "SA"}
    seen: dict[object, PacketEvent] = {}
    for event in story.packet_events:
        if event.packet.flags == "S" and event.arrived and story.seconds(event.at) >= begin:
            if event.conversation in seen:
                told = later("the queue is full, nobody answers; the client tries again")
                first = seen[event.conversation]
                return _around(story, first, event, later("A SYN that finds no place"), told)
            if event.conversation in answered:
                seen[event.conversation] = event
    return None


def _retries(story: Story, begin: float) -> Excerpt | None:
    """A SYN that nobody answers, and the attempts after it."""
    for event in story.packet_events:
        repeated = event.role is not None and bool(event.role.repeats)
        if event.packet.flags == "S" and repeated and story.seconds(event.at) >= begin:
            return _around(
                story, event, event, later("Attempt after attempt"), later("no answer comes")
            )
    return None


SEARCHES: Mapping[str, Callable[[Story, float], Excerpt | None]] = {
    "cut": _cut,
    "gap": _gap,
    "no-place": _no_place,
    "retries": _retries,
}
"""Kinds that are searched for only if a scenario names them."""

LONG_WAIT = 30_000_000
"""Nanoseconds that a sender with more to send must have waited for the wait to be a gap."""


def _at_faults(story: Story) -> Iterator[Excerpt]:
    """The packets around the first fault of each kind, in all conversations."""
    kinds: set[str] = set()
    for fault in story.faults:
        behind = [
            place
            for place, event in enumerate(story.packet_events)
            if event.at >= story.moment(fault)
        ]
        if fault.kind not in kinds and behind and behind[0] > 0:
            kinds.add(fault.kind)
            begin, end = max(0, behind[0] - AHEAD), behind[0] + BEHIND + 1
            title = _("{kind} at second {at}").format(
                kind=fault.kind.capitalize(), at=decimal(f"{fault.at:.3f}")
            )
            reason = later("what passes before and after")
            yield _make(story, title, reason, list(story.packet_events[begin:end]))


def _distinct(found: Sequence[Excerpt]) -> Iterator[Excerpt]:
    seen = set()
    for excerpt in found:
        shown = tuple(event.number for event in excerpt.packet_events)
        if shown not in seen:
            seen.add(shown)
            yield excerpt


def at(story: Story, begin: float, end: float | None = None) -> Excerpt | None:
    """Everything from one lab second on, for a while; None if nothing was sent then."""
    packet_events = [
        event
        for event in story.packet_events
        if story.seconds(event.at) >= begin and (end is None or story.seconds(event.at) <= end)
    ]
    if not packet_events:
        return None
    return _make(
        story,
        _("From second {begin} on").format(begin=decimal(f"{begin:g}")),
        later("by choice"),
        packet_events,
    )


def _healed(story: Story, number: int, title: str) -> Excerpt | None:
    if number >= len(story.healed_by):
        return None
    dead, healer = sorted(story.healed_by.items(), key=lambda pair: (pair[1], pair[0]))[number]
    first, last = story.packet_events[dead - 1], story.packet_events[healer - 1]
    seconds = (last.at - first.at) / NANOSECONDS
    end = (
        _(
            "packet {dead} arrives damaged; {wait} ms after it was sent, packet {healer} "
            "carries its bytes again"
        )
        if first.damaged
        else _(
            "packet {dead} dies; {wait} ms after it was sent, packet {healer} carries "
            "its bytes again"
        )
    )
    return _around(
        story,
        first,
        last,
        title,
        end.format(dead=dead, healer=healer, wait=decimal(f"{seconds * 1e3:.3f}")),
    )


def _first_exchange(story: Story, begin: float) -> Iterator[Excerpt]:
    for event in story.packet_events:
        if story.seconds(event.at) >= begin and event.packet.protocol in ("tcp", "udp"):
            yield _around(
                story,
                event,
                event,
                later("The first exchange"),
                later("nothing had to be healed"),
                behind=EXCHANGE,
            )
            return


def _around(
    story: Story,
    first: PacketEvent,
    last: PacketEvent,
    title: str,
    reason: str,
    behind: int = BEHIND,
) -> Excerpt:
    """A conversation from a little before one packet to a little after another."""
    packet_events = [
        event for event in story.packet_events if event.conversation == first.conversation
    ]
    places = {event.number: place for place, event in enumerate(packet_events)}
    begin = max(0, places[first.number] - AHEAD)
    end = places[last.number] + behind + 1
    return _make(story, title, reason, packet_events[begin:end], keep=(first.number, last.number))


def _make(
    story: Story,
    title: str,
    reason: str,
    packet_events: Sequence[PacketEvent],
    keep: tuple[int, ...] = (),
) -> Excerpt:
    shown = list(packet_events)
    if len(shown) > LONGEST:
        half = LONGEST // 2
        ends = {event.number for event in (*shown[:half], *shown[-half:])} | set(keep)
        shown = [event for event in shown if event.number in ends]
    begin, end = shown[0].at, max(event.end for event in shown)
    calls = _calls(story, begin, end)
    return Excerpt(title, reason, tuple(shown), calls, len(packet_events) - len(shown))


MARGIN = 20_000_000
"""Nanoseconds around the packets within which a call belongs to them."""


def _calls(story: Story, begin: int, end: int) -> tuple[Call, ...]:
    """The calls that were under way, or that came shortly before or after.

    A program that made its first call later played no part in these packets.
    """
    first: dict[int, int] = {}
    for call in story.calls:
        first.setdefault(call.program, call.at)
    return tuple(
        call
        for call in story.calls
        if call.at <= end + MARGIN
        and first[call.program] <= begin
        and (call.returned if call.returned is not None else call.at) >= begin - MARGIN
    )[:LONGEST]
