"""The words for packets: short labels, all fields, and a whole excerpt as lines of text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from echolab.language import decimal, later
from echolab.language import translate as _
from echolab.record import Fault, Life
from echolab.report.calls import Call
from echolab.report.events import PacketEvent, Story
from echolab.report.excerpts import Excerpt
from echolab.report.pcap import NANOSECONDS

KINDS = {
    "syn": later("S: begins a connection"),
    "fin": later("F: no more will be sent"),
    "rst": later("R: the connection is reset"),
    "data": later("bytes of a stream"),
    "ack": later("A: acknowledgement alone"),
    "again": later("retransmission"),
    "datagram": later("datagram"),
    "notice": later("ICMP or ARP"),
}
"""Kinds of packets that look different in a figure, and the legend's text for each."""

MOST_LIVES = 40
"""The most lines about what happened to services."""

SHOWN = 48
"""Bytes of a payload that are shown."""

SHORT = 8_000
"""A call that returns within this many nanoseconds is shown as one event."""


def kind(packet_event: PacketEvent) -> str:
    """The kind of a packet, out of `KINDS`; being a retransmission takes precedence."""
    packet = packet_event.packet
    if packet.protocol == "tcp":
        if packet_event.role is not None and packet_event.role.repeats:
            return "again"
        for letter, name in (("R", "rst"), ("S", "syn"), ("F", "fin")):
            if letter in packet.flags:
                return name
        return "data" if packet.length else "ack"
    if packet.protocol == "udp" or (packet.protocol == "ip" and packet_event.piece is not None):
        return "datagram"
    return "notice"


def letters(packet_event: PacketEvent) -> str:
    """The flags of a segment that a reader looks for: S, F, R, and A if it stands alone."""
    shown = "".join(letter for letter in packet_event.packet.flags if letter in "SFR")
    bare_ack = packet_event.packet.flags == "A" and not packet_event.packet.length
    return shown + ("A" if "A" in packet_event.packet.flags and (shown or bare_ack) else "")


def label(packet_event: PacketEvent) -> str:
    """One packet in a few words: flags, bytes, sequence numbers and message numbers."""
    packet, role = packet_event.packet, packet_event.role
    words = [letters(packet_event)] if letters(packet_event) else []
    if packet_event.piece is not None:
        number, of = packet_event.piece
        words.append(_("fragment {number} of {of},").format(number=number, of=of))
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
    if packet_event.messages:
        words.append(_messages(packet_event))
    return " ".join(words)


def short(packet_event: PacketEvent) -> str:
    """Like `label`, but a packet that carries messages is described by these alone."""
    if packet_event.messages and not letters(packet_event):
        return f"{packet_event.packet.length} B {_messages(packet_event)}"
    return label(packet_event)


def _messages(packet_event: PacketEvent) -> str:
    first, last = packet_event.messages[0], packet_event.messages[-1]
    if first == last:
        return _("(message {number})").format(number=first)
    return _("(messages {first}–{last})").format(first=first, last=last)


def remark(packet_event: PacketEvent, story: Story) -> str:
    """What is worth saying about a packet beyond its fields; empty for an ordinary one."""
    remarks = []
    role = packet_event.role
    if not packet_event.arrived:
        remarks.append(_end(packet_event, story))
    if role is not None and role.heals:
        remarks.append(_("heals {numbers}").format(numbers=_numbers(role.heals)))
    elif role is not None and role.needless:
        said = _("carries {numbers} again, which had arrived")
        remarks.append(said.format(numbers=_numbers(role.repeats)))
    elif role is not None and role.repeats:
        remarks.append(_("carries {numbers} again").format(numbers=_numbers(role.repeats)))
    if role is not None and role.repeated_ack:
        remarks.append(_("says the same acknowledgement again"))
    if packet_event.twice:
        remarks.append(_("arrives twice"))
    if packet_event.damaged:
        remarks.append(_("arrives damaged"))
    if packet_event.overtakes:
        remarks.append(_("overtakes an earlier packet"))
    if packet_event.overtaken:
        remarks.append(_("is overtaken"))
    return "; ".join(remarks)


def _end(packet_event: PacketEvent, story: Story) -> str:
    if packet_event.under_way:
        return "still under way when the run ended"
    healer = story.healed_by.get(packet_event.number)
    end = (
        _("dies on the link of {host}").format(host=packet_event.source)
        if packet_event.died
        else _("no capture shows its arrival")
    )
    return end + (_(", healed by #{number}").format(number=healer) if healer else "")


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"#{number}" for number in numbers)


def fields(packet_event: PacketEvent, story: Story) -> tuple[str, ...]:
    """Everything that a packet's headers and its fate tell, one line for each subject."""
    packet, role = packet_event.packet, packet_event.role
    lines = [
        f"#{packet_event.number} {packet_event.source} → {packet_event.target}: "
        f"{label(packet_event)}"
    ]
    if packet_event.passage.sent is not None:
        sent = decimal(f"{story.seconds(packet_event.passage.sent):.6f}")
        lines.append(_("sent at {seconds} s").format(seconds=sent))
    for arrival in packet_event.passage.arrivals:
        flight = (arrival.at - packet_event.at) / NANOSECONDS * 1e3
        lines.append(
            _("at {host} {seconds} s, {flight} ms later").format(
                host=arrival.host,
                seconds=decimal(f"{story.seconds(arrival.at):.6f}"),
                flight=decimal(f"{flight:.3f}"),
            )
        )
    if packet.source:
        ends = [
            f"{address}:{port}" if port else address
            for address, port in (
                (packet.source, packet.source_port),
                (packet.destination, packet.destination_port),
            )
        ]
        hops = _("hops left {count}").format(count=packet.hops)
        lines.append(f"{packet.protocol.upper()} {ends[0]} → {ends[1]}, {hops}")
    if role is not None:
        lines.append(
            _("flags {flags}, sequence {sequence}, acknowledgement {ack}, window {window}").format(
                flags=packet.flags,
                sequence=packet.sequence,
                ack=packet.acknowledgement,
                window=packet.window,
            )
        )
    if packet.options:
        lines.append(_("options") + ": " + ", ".join(packet.options))
    if packet.payload:
        count = _("{count} bytes").format(count=packet.length)
        lines.append(f"{count}: {printable(packet.payload)}")
    said = remark(packet_event, story)
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


def events(excerpt: Excerpt, story: Story) -> tuple[Event, ...]:
    """The departures, arrivals, calls and returns in an excerpt, in one time order.

    At the same time, calls begin before packets leave and arrive, and return after that.
    """
    begun: list[Event] = []
    over: list[Event] = []
    for call in excerpt.calls:
        if call.returned is None or at_once(call, excerpt):
            begun.append(Event(call.at, call.host, f"{call.text} = {call.result}"))
        else:
            begun.append(Event(call.at, call.host, call.text))
            text = _("{call} returns {result}").format(call=call.text, result=call.result)
            over.append(Event(call.returned, call.host, text))
    packets = [
        event
        for packet_event in excerpt.packet_events
        for event in _of_packet_event(packet_event, story)
    ]
    done = [
        Event(story.moment(fault), _whose(fault), f"‼ {fault_words(fault)}")
        for fault in faults(excerpt, story)
    ]
    return tuple(sorted([*begun, *packets, *over, *done], key=lambda event: event.at))


def _whose(fault: Fault | Life) -> str:
    if isinstance(fault, Life):
        return fault.host
    return fault.hosts[0] if fault.hosts else "all"


def faults(excerpt: Excerpt, story: Story) -> tuple[Fault | Life, ...]:
    """What was done to hosts, and what happened to services, during an excerpt."""
    return tuple(
        fault for fault in story.faults if excerpt.begin <= story.moment(fault) <= excerpt.end
    )


def services(lives: Sequence[Life]) -> tuple[str, ...]:
    """What happened to services by themselves, one line each, but at most `MOST_LIVES`."""
    at = _("Second {at}: {what}.")
    lines = [at.format(at=decimal(f"{life.at:.3f}"), what=_life_words(life)) for life in lives]
    more = len(lines) - MOST_LIVES
    others = [_("And {count} more like these.").format(count=more)] if more > 0 else []
    return (*lines[:MOST_LIVES], *others)


def _life_words(life: Life) -> str:
    """What happened to a service, in words."""
    said = f": {life.said}" if life.said else ""
    words = {
        "ended": _("the service of {host} ended with status {status}"),
        "started again": _("the service of {host} is started again"),
        "given up": _("the service of {host} is not started again any more"),
        "healthy": _("{host} is healthy"),
        "unhealthy": _("{host} is unhealthy"),
        "check failed": _("the health check of {host} failed"),
        "went on without": _("{host} goes on without {said}"),
    }.get(life.kind, "{host}: {kind}")
    told = words.format(host=life.host, status=life.status, said=life.said, kind=life.kind)
    return told if life.kind == "went on without" else f"{told}{said}"


def fault_words(fault: Fault | Life) -> str:
    """A fault in words."""
    if isinstance(fault, Life):
        return _life_words(fault)
    hosts = ", ".join(fault.hosts)
    parts = " | ".join(", ".join(group) for group in fault.groups)
    said = {
        "kill": _("{hosts} loses its power"),
        "pause": _("the programs of {hosts} are stopped"),
        "resume": _("the programs of {hosts} go on"),
        "restart": _("{hosts} starts anew"),
        "partition": _("the network is cut: {parts}"),
        "heal": _("the network is whole again"),
    }.get(fault.kind)
    return said.format(hosts=hosts, parts=parts) if said else f"{fault.kind} {hosts}"


def at_once(call: Call, excerpt: Excerpt) -> bool:
    """Whether a call is one event: it returned soon, and no packet arrived for it meanwhile."""
    if call.returned is None:
        return True
    came = (
        arrival.at
        for packet_event in excerpt.packet_events
        for arrival in packet_event.passage.arrivals
        if arrival.host == call.host
    )
    soon = call.returned - call.at <= SHORT
    return soon and not any(call.at <= at <= call.returned for at in came)


def _of_packet_event(packet_event: PacketEvent, story: Story) -> list[Event]:
    said = remark(packet_event, story)
    sign = "→" if packet_event.arrived else "✗" if packet_event.died else "?"
    if packet_event.arrived and kind(packet_event) == "again":
        sign = "↻"
    text = f"{sign} {packet_event.target}  #{packet_event.number} {label(packet_event)}" + (
        f" — {said}" if said else ""
    )
    found = []
    if packet_event.passage.sent is not None:
        found.append(Event(packet_event.passage.sent, packet_event.source, text))
    for arrival in packet_event.passage.arrivals:
        named = f"#{packet_event.number}" + ("" if found else f" {label(packet_event)}")
        what = _("{packet} arrives").format(packet=named)
        found.append(Event(arrival.at, arrival.host, f"← {packet_event.source}  {what}"))
    return found


def at_lab_time(excerpt: Excerpt, story: Story) -> tuple[str, ...]:
    """The events of an excerpt as text for a terminal, each with its second of the lab."""
    width = max((len(host) for host in story.hosts), default=0)
    return tuple(
        f"{decimal(f'{story.seconds(event.at):12.6f}')} s  {event.host:{width}}  {event.text}"
        for event in events(excerpt, story)
    )


def lines(excerpt: Excerpt, story: Story) -> tuple[str, ...]:
    """An excerpt as text for a terminal, one line per event, in milliseconds from its start."""
    width = max((len(host) for host in story.hosts), default=0)
    start = excerpt.begin
    head = f"{_(excerpt.title)}: {_(excerpt.reason)}"
    zero = decimal(f"{story.seconds(start):.6f}")
    told = [head, _("(time 0 is second {at} of the lab)").format(at=zero), ""]
    for event in events(excerpt, story):
        since = (event.at - start) / NANOSECONDS * 1e3
        time = decimal(f"{since:12.3f}")
        told.append(f"{time} ms  {event.host:{width}}  {event.text}")
    if excerpt.omitted:
        left_out = _("{count} packets in the middle are left out.").format(count=excerpt.omitted)
        told.append(f"({left_out})")
    return tuple(told)
