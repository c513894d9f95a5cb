"""Which stretch of a story to show: the most telling one by rule, others by choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from echolab.report.calls import Call
from echolab.report.pcap import NANOSECONDS
from echolab.report.steps import Step, Story

EXCHANGE = 14
"""Packets after the first of the first exchange: enough to begin, echo and close a stream."""

LONGEST = 36
"""Packets of a stretch at most: what still fits on a page."""

AHEAD, BEHIND = 4, 6
"""Packets of the same conversation shown before and after what a stretch is about."""

MOST = 12
"""Stretches of a story at most."""


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Consecutive packets of one conversation, or of a time, and the calls in that time.

    `title` names it, `reason` says what to look at; `omitted` counts packets left out
    because they were too many.
    """

    title: str
    reason: str
    steps: tuple[Step, ...]
    calls: tuple[Call, ...]
    omitted: int = 0

    @property
    def begin(self) -> int:
        """Nanosecond of its first packet or call."""
        return min([step.at for step in self.steps] + [call.at for call in self.calls])

    @property
    def end(self) -> int:
        """Nanosecond of the last arrival."""
        return max(step.end for step in self.steps)


Test = Callable[[Step], bool]

KINDS: tuple[tuple[str, str, Test], ...] = (
    (
        "A datagram that died",
        "nobody sends it again: it is gone",
        lambda step: step.packet.protocol == "udp" and step.died,
    ),
    (
        "Sent again although it had arrived",
        "the sender heard of it too late, or not at all",
        lambda step: step.role is not None and step.role.needless,
    ),
    (
        "A port where nobody listens",
        "and the host says so",
        lambda step: (
            (
                step.packet.flags == "RA"
                and step.packet.acknowledgement != 0
                and step.role is not None
                and step.role.acknowledgement <= 1
                and step.role.sequence == 0
            )
            or (step.packet.protocol == "icmp" and step.packet.text == "port unreachable")
        ),
    ),
    (
        "A packet that arrived twice",
        "the link doubled it",
        lambda step: step.twice,
    ),
    (
        "A packet that overtook another",
        "the lines cross",
        lambda step: step.overtakes,
    ),
    (
        "A packet that arrived damaged",
        "its checksum is wrong, so the receiver throws it away",
        lambda step: step.damaged,
    ),
    (
        "A datagram in fragments",
        "it arrives only if every fragment does",
        lambda step: step.piece is not None,
    ),
    (
        "A connection is made",
        "three packets before the first byte",
        lambda step: "S" in step.packet.flags,
    ),
    (
        "A connection is closed",
        "each side says for itself that it has nothing more to send",
        lambda step: "F" in step.packet.flags,
    ),
    (
        "A datagram and its answer",
        "the first packet already carries the message",
        lambda step: step.packet.protocol == "udp",
    ),
)
"""Title, reason and test of what is shown of each story, the first packet of its kind."""


def choose(story: Story, begin: float = 0.0) -> tuple[Stretch, ...]:
    """Stretches of a story, the most telling one first; none where it has no packets.

    The most telling one is the first loss that was healed, else the first exchange after
    `begin` (lab seconds, when the first probe or program started).
    """
    found: list[Stretch] = []
    for number, title in enumerate(
        ("The first loss that was healed", "Another loss that was healed", "A third one")
    ):
        stretch = _healed(story, number, title)
        if stretch is not None:
            found.append(stretch)
    if not found:
        found += _first_exchange(story, begin)
    for title, reason, test in KINDS:
        for step in story.steps:
            if test(step) and story.seconds(step.at) >= begin:
                found.append(_around(story, step, step, title, reason))
                break
    return tuple(_distinct(found))[:MOST]


def _distinct(found: Sequence[Stretch]) -> Iterator[Stretch]:
    seen = set()
    for stretch in found:
        shown = tuple(step.number for step in stretch.steps)
        if shown not in seen:
            seen.add(shown)
            yield stretch


def at(story: Story, begin: float, end: float | None = None) -> Stretch | None:
    """Everything from one lab second on, for a while; None where nothing was sent then."""
    steps = [
        step
        for step in story.steps
        if story.seconds(step.at) >= begin and (end is None or story.seconds(step.at) <= end)
    ]
    if not steps:
        return None
    return _make(story, f"From second {begin:g} on", "by choice", steps)


def _healed(story: Story, number: int, title: str) -> Stretch | None:
    if number >= len(story.healed_by):
        return None
    dead, healer = sorted(story.healed_by.items(), key=lambda pair: (pair[1], pair[0]))[number]
    first, last = story.steps[dead - 1], story.steps[healer - 1]
    seconds = (last.at - first.at) / NANOSECONDS
    end = "arrives damaged" if first.damaged else "dies"
    return _around(
        story,
        first,
        last,
        title,
        f"packet {dead} {end}; {seconds * 1e3:.3f} ms after it was sent, "
        f"packet {healer} carries its bytes again",
    )


def _first_exchange(story: Story, begin: float) -> Iterator[Stretch]:
    for step in story.steps:
        if story.seconds(step.at) >= begin and step.packet.protocol in ("tcp", "udp"):
            yield _around(
                *(story, step, step, "The first exchange", "nothing had to be healed"),
                behind=EXCHANGE,
            )
            return


def _around(
    story: Story, first: Step, last: Step, title: str, reason: str, behind: int = BEHIND
) -> Stretch:
    """A conversation from a little before one packet to a little after another."""
    steps = [step for step in story.steps if step.conversation == first.conversation]
    places = {step.number: place for place, step in enumerate(steps)}
    begin = max(0, places[first.number] - AHEAD)
    end = places[last.number] + behind + 1
    return _make(story, title, reason, steps[begin:end], keep=(first.number, last.number))


def _make(
    story: Story, title: str, reason: str, steps: Sequence[Step], keep: tuple[int, ...] = ()
) -> Stretch:
    shown = list(steps)
    if len(shown) > LONGEST:
        half = LONGEST // 2
        ends = {step.number for step in (*shown[:half], *shown[-half:])} | set(keep)
        shown = [step for step in shown if step.number in ends]
    begin, end = shown[0].at, max(step.end for step in shown)
    calls = _calls(story, begin, end)
    return Stretch(title, reason, tuple(shown), calls, len(steps) - len(shown))


MARGIN = 20_000_000
"""Nanoseconds around the packets in which a call still belongs to them."""


def _calls(story: Story, begin: int, end: int) -> tuple[Call, ...]:
    """The calls that were under way, or came shortly before or after.

    A program that made its first call only later has no part in these packets.
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
