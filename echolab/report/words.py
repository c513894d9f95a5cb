"""The words for packets: short labels, all fields, and a whole stretch as lines of text."""

from __future__ import annotations

import dataclasses

from echolab.report.calls import Call
from echolab.report.pcap import NANOSECONDS
from echolab.report.steps import Step, Story
from echolab.report.stretches import Stretch

KINDS = {
    "syn": "S: begins a connection",
    "fin": "F: no more will be sent",
    "rst": "R: the connection is reset",
    "data": "bytes of a stream",
    "ack": "A: acknowledgement alone",
    "again": "retransmission",
    "datagram": "datagram",
    "notice": "ICMP or ARP",
}
"""Kinds of packets that look different in a figure, and what its legend says of each."""

SHOWN = 48
"""Bytes of a payload that are shown."""

SHORT = 8_000
"""Nanoseconds within which a call returns that is told as one event."""


def kind(step: Step) -> str:
    """Which of `KINDS` a packet is; a retransmission is that before anything else."""
    packet = step.packet
    if packet.protocol == "tcp":
        if step.role is not None and step.role.repeats:
            return "again"
        for letter, name in (("R", "rst"), ("S", "syn"), ("F", "fin")):
            if letter in packet.flags:
                return name
        return "data" if packet.length else "ack"
    if packet.protocol == "udp" or (packet.protocol == "ip" and step.piece is not None):
        return "datagram"
    return "notice"


def letters(step: Step) -> str:
    """The letters of a segment that a reader looks for: S, F, R, and A where it is alone."""
    shown = "".join(letter for letter in step.packet.flags if letter in "SFR")
    bare_ack = step.packet.flags == "A" and not step.packet.length
    return shown + ("A" if "A" in step.packet.flags and (shown or bare_ack) else "")


def label(step: Step) -> str:
    """One packet in a few words: letters, bytes, numbers of sequence and of messages."""
    packet, role = step.packet, step.role
    words = [letters(step)] if letters(step) else []
    if step.piece is not None:
        words.append(f"fragment {step.piece[0]} of {step.piece[1]},")
    if role is not None:
        if packet.length:
            words.append(f"{packet.length} B")
        if packet.length or "S" in packet.flags or "F" in packet.flags:
            words.append(f"seq {role.sequence}")
        if "A" in packet.flags:
            words.append(f"ack {role.acknowledgement}")
    elif packet.protocol in ("udp", "ip"):
        words.append(f"{packet.length} B")
    else:
        words.append(f"{packet.protocol.upper()} {packet.text}")
    if step.messages:
        words.append(_messages(step))
    return " ".join(words)


def short(step: Step) -> str:
    """Like `label`, but a packet that carries messages is known by these alone."""
    if step.messages and not letters(step):
        return f"{step.packet.length} B {_messages(step)}"
    return label(step)


def _messages(step: Step) -> str:
    first, last = step.messages[0], step.messages[-1]
    return f"(message {first})" if first == last else f"(messages {first}–{last})"


def remark(step: Step, story: Story) -> str:
    """What is worth saying of a packet beyond its fields; empty for an ordinary one."""
    remarks = []
    role = step.role
    if not step.arrived:
        remarks.append(_end(step, story))
    if role is not None and role.heals:
        remarks.append(f"heals {_numbers(role.heals)}")
    elif role is not None and role.needless:
        remarks.append(f"carries {_numbers(role.repeats)} again, which had arrived")
    elif role is not None and role.repeats:
        remarks.append(f"carries {_numbers(role.repeats)} again")
    if role is not None and role.repeated_ack:
        remarks.append("says the same acknowledgement again")
    if step.twice:
        remarks.append("arrives twice")
    if step.damaged:
        remarks.append("arrives damaged")
    if step.overtakes:
        remarks.append("overtakes an earlier packet")
    if step.overtaken:
        remarks.append("is overtaken")
    return "; ".join(remarks)


def _end(step: Step, story: Story) -> str:
    healer = story.healed_by.get(step.number)
    end = f"dies on the link of {step.source}" if step.died else "no capture shows its arrival"
    return end + (f", healed by #{healer}" if healer else "")


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"#{number}" for number in numbers)


def fields(step: Step, story: Story) -> tuple[str, ...]:
    """Everything that a packet's headers and its fate tell, one line a subject."""
    packet, role = step.packet, step.role
    lines = [f"#{step.number} {step.source} → {step.target}: {label(step)}"]
    if step.passage.sent is not None:
        lines.append(f"sent at {story.seconds(step.passage.sent):.6f} s")
    for arrival in step.passage.arrivals:
        flight = (arrival.at - step.at) / NANOSECONDS * 1e3
        lines.append(f"at {arrival.host} {story.seconds(arrival.at):.6f} s, {flight:.3f} ms later")
    if packet.source:
        ends = [
            f"{address}:{port}" if port else address
            for address, port in (
                (packet.source, packet.source_port),
                (packet.destination, packet.destination_port),
            )
        ]
        lines.append(f"{packet.protocol.upper()} {ends[0]} → {ends[1]}, hops left {packet.hops}")
    if role is not None:
        lines.append(
            f"flags {packet.flags}, sequence {packet.sequence}, "
            f"acknowledgement {packet.acknowledgement}, window {packet.window}"
        )
    if packet.options:
        lines.append("options: " + ", ".join(packet.options))
    if packet.payload:
        lines.append(f"{packet.length} bytes: {printable(packet.payload)}")
    said = remark(step, story)
    return (*lines, said) if said else tuple(lines)


def printable(payload: bytes) -> str:
    """The beginning of a payload as text, a dot for each byte that is not printable ASCII."""
    head = payload[:SHOWN]
    text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in head)
    return text + ("…" if len(payload) > len(head) else "")


@dataclasses.dataclass(frozen=True)
class Event:
    """One line of a story: when (nanoseconds), on which host, what happened."""

    at: int
    host: str
    text: str


def events(stretch: Stretch, story: Story) -> tuple[Event, ...]:
    """Sendings, arrivals, calls and their returns of a stretch, on one time line.

    Of one moment, calls begin before packets go and come, and return after that.
    """
    begun: list[Event] = []
    over: list[Event] = []
    for call in stretch.calls:
        if call.returned is None or at_once(call, stretch):
            begun.append(Event(call.at, call.host, f"{call.text} = {call.result}"))
        else:
            begun.append(Event(call.at, call.host, call.text))
            text = f"{call.text} returns {call.result}"
            over.append(Event(call.returned, call.host, text))
    packets = [event for step in stretch.steps for event in _of_step(step, story)]
    return tuple(sorted([*begun, *packets, *over], key=lambda event: event.at))


def at_once(call: Call, stretch: Stretch) -> bool:
    """Whether a call is one event: it returned soon, and no packet came to it meanwhile."""
    if call.returned is None:
        return True
    came = (
        arrival.at
        for step in stretch.steps
        for arrival in step.passage.arrivals
        if arrival.host == call.host
    )
    soon = call.returned - call.at <= SHORT
    return soon and not any(call.at <= at <= call.returned for at in came)


def _of_step(step: Step, story: Story) -> list[Event]:
    said = remark(step, story)
    sign = "→" if step.arrived else "✗" if step.died else "?"
    if step.arrived and kind(step) == "again":
        sign = "↻"
    text = f"{sign} {step.target}  #{step.number} {label(step)}" + (f" — {said}" if said else "")
    found = []
    if step.passage.sent is not None:
        found.append(Event(step.passage.sent, step.source, text))
    for arrival in step.passage.arrivals:
        what = f"#{step.number} arrives" if found else f"#{step.number} {label(step)} arrives"
        found.append(Event(arrival.at, arrival.host, f"← {step.source}  {what}"))
    return found


def lines(stretch: Stretch, story: Story) -> tuple[str, ...]:
    """A stretch as text for a terminal, one line an event; times in milliseconds from its start."""
    width = max((len(host) for host in story.hosts), default=0)
    start = stretch.begin
    head = f"{stretch.title}: {stretch.reason}"
    told = [head, f"(time 0 is second {story.seconds(start):.6f} of the lab)", ""]
    for event in events(stretch, story):
        since = (event.at - start) / NANOSECONDS * 1e3
        told.append(f"{since:12.3f} ms  {event.host:{width}}  {event.text}")
    if stretch.omitted:
        told.append(f"({stretch.omitted} packets in the middle are left out)")
    return tuple(told)
