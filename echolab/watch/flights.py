"""The packets of a watched run, as its page shows them: pure functions of what it has told.

Times are lab seconds. A packet of which nothing is known yet but that it was handed to its link
is under way; it has died when it would be out of its link by all that is known of that.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from echolab.errors import BadInput
from echolab.intervention import MOST_BYTES, Intervention
from echolab.language import decimal
from echolab.language import translate as _
from echolab.link import Link
from echolab.report import matching, packet
from echolab.report.labels import printable
from echolab.report.packet import Packet
from echolab.scenario.watched import Device, Look, Opening

NANOSECONDS = 1e9

PATIENCE = 0.5
"""Lab seconds after which a packet that its link has not let out is taken for dead, beyond three
times the longest delay of any link."""

SHOWN_BYTES = 256

JUST_BEFORE = 1e-6
"""Lab seconds before a packet leaves its link at which counting can still begin."""


@dataclasses.dataclass(frozen=True)
class Flight:
    """One packet: from `source` to `targets` on a network, `sent` when, `out` when.

    `key` names it whenever the run is performed again. `out` is None while that is not known,
    and for a packet that has died (`reason` says of what); `left` is when it left its link, None
    while it has not. `kind` colours it, `text` is what
    stands on it, `fields` and `data` (hexadecimal) what it holds.
    """

    key: str
    network: str
    source: str
    targets: tuple[str, ...]
    sent: float
    out: float | None
    left: float | None
    reason: str
    kind: str
    text: str
    fields: tuple[str, ...]
    data: str


def patience(looks: Sequence[Look]) -> float:
    """Lab seconds by which a packet is out, or has died."""
    slowest = (one.link.delay + one.link.jitter for look in looks for one in look.links)
    return PATIENCE + 3 * max(slowest, default=0.0)


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Whose a hardware address of a network is, and whose an address."""

    by_mac: Mapping[str, str]
    by_address: Mapping[str, str]

    @classmethod
    def of(cls, devices: Sequence[Device]) -> Self:
        """Those of a network's devices."""
        return cls(
            {one.mac: one.host for one in devices},
            {ip: one.host for one in devices for ip in one.addresses},
        )

    def at(self, mac: str, address: str) -> str | None:
        """The host that a packet is meant for; None if it is no host of the network."""
        return self.by_mac.get(mac) or self.by_address.get(address)


def made(
    key: str,
    network: str,
    passage: matching.Passage,
    opening: Opening,
    looks: Sequence[Look],
    known: float,
    hosts: Hosts,
) -> Flight:
    """A packet as its passage tells, which has its fate if it was sent until lab second `known`."""
    read_packet = packet.parse(passage.data)
    sent = (passage.at - opening.epoch) / NANOSECONDS
    ends = [arrival.at for arrival in passage.arrivals] or list(passage.copies or ())
    out = (min(ends) - opening.epoch) / NANOSECONDS if ends else None
    targets = tuple(arrival.host for arrival in passage.arrivals)
    if not targets:
        there = hosts.at(passage.data[:6].hex(":"), read_packet.destination)
        targets = (there,) if there else ()
    reason = ""
    if not passage.arrivals and sent <= known:
        reason = _why(passage, sent, looks, targets)
        out = out if passage.copies else None
    return Flight(
        key,
        network,
        passage.source,
        targets,
        sent,
        out,
        (passage.copies[0] - opening.epoch) / NANOSECONDS if passage.copies else None,
        reason,
        kind(read_packet),
        text(read_packet),
        tuple(_fields(read_packet)),
        passage.data[:SHOWN_BYTES].hex(),
    )


def after(deed: Intervention, flight: Flight) -> Flight:
    """A packet to which somebody did something, if that came to pass."""
    if deed.kind == "drop_packet" and flight.out is not None and flight.reason:
        return dataclasses.replace(
            flight, out=max(flight.sent, deed.at), reason=_("somebody let it die")
        )
    if deed.kind == "delay_packet":
        amount = decimal(f"{deed.amount * 1e3:.6g} ms")
        said = _("held up by {amount}").format(amount=amount)
        return dataclasses.replace(flight, fields=(*flight.fields, said))
    return flight


def beginning(data: bytes) -> str:
    """The bytes by which a packet is known: whole words from its network header on."""
    found = data[matching.ETHERNET : matching.ETHERNET + MOST_BYTES]
    return found[: len(found) // 4 * 4].hex()


def deed(
    flights: Sequence[Flight], looks: Sequence[Look], kind: str, key: str, at: float, amount: float
) -> Intervention:
    """What lets a packet die or holds it up, done at a lab second or when it leaves its link.

    Strategy: packets that begin alike are counted from the start of the run, or from when the
    sender was last started anew, which takes what counts away. Raises BadInput for a packet that
    is not there, or that its own link does not let out.
    """
    chosen = next((one for one in flights if one.key == key), None)
    if chosen is None:
        raise BadInput(_("there is no such packet"), _("choose one that is shown"))
    left = chosen.left
    if left is None or left < 0:
        raise BadInput(_("its link does not let that packet out"), _("choose another one"))
    faults = looks[-1].faults if looks else ()
    anew = any(
        one.kind == "restart" and chosen.source in one.hosts and one.at <= left for one in faults
    )
    at = max(0.0, min(at, left))
    since = max(0.0, min(at, left - JUST_BEFORE)) if anew else 0.0
    packet = beginning(bytes.fromhex(chosen.data))
    alike = [
        one
        for one in flights
        if (one.network, one.source) == (chosen.network, chosen.source)
        and one.left is not None
        and since <= one.left
        and one.data[2 * matching.ETHERNET :].startswith(packet)
    ]
    alike.sort(key=lambda one: one.left or 0.0)
    return Intervention(
        kind,
        at,
        chosen.source,
        amount,
        network=chosen.network,
        packet=packet,
        number=alike.index(chosen) + 1,
        sent=chosen.sent,
        since=since,
    )


def _why(
    passage: matching.Passage, sent: float, looks: Sequence[Look], targets: Sequence[str]
) -> str:
    """Why a packet has died, as far as what was seen tells."""
    if passage.fate == matching.VANISHED:
        return _("nobody received it")
    parts = [group for group in _groups(looks, sent) if passage.source in group]
    if parts and any(target not in parts[0] for target in targets):
        return _("the network is cut")
    links = _links(looks, passage.source, sent)
    share = max((link.loss for link in links), default=0.0)
    if share:
        return _("its link loses {share}").format(share=decimal(f"{share * 100:.3g} %"))
    if any(link.drop for link in links):
        return _("its link drops it")
    if any(link.rate for link in links):
        return _("its link's queue was full")
    return _("it did not get past its link")


def _groups(looks: Sequence[Look], moment: float) -> tuple[tuple[str, ...], ...]:
    """The parts that the network was in at a lab second."""
    faults = looks[-1].faults if looks else ()
    cuts = [one for one in faults if one.kind in ("partition", "heal") and one.at <= moment]
    return cuts[-1].groups if cuts else ()


def _links(looks: Sequence[Look], host: str, moment: float) -> list[Link]:
    """What shaped a host's packets at a lab second: as looks before and behind it tell."""
    place = bisect.bisect_left(looks, moment, key=lambda look: look.at)
    for look in looks[min(place, len(looks) - 1) :: -1][:2]:
        found = [one.link for one in look.links if one.host == host and one.since <= moment]
        if found:
            return found
    return []


def kind(seen: Packet) -> str:
    """What a packet is, for its colour: as in the report."""
    if seen.protocol == "tcp":
        for letter, name in (("R", "rst"), ("S", "syn"), ("F", "fin")):
            if letter in seen.flags:
                return name
        return "data" if seen.length else "ack"
    return "datagram" if seen.protocol == "udp" else "notice"


def text(seen: Packet) -> str:
    """What stands on an envelope: its flags and how many bytes it carries."""
    if seen.protocol == "tcp":
        flags = "".join(letter for letter in seen.flags if letter in "SFRA")
        return f"{flags} {seen.length}" if seen.length else flags
    if seen.protocol == "udp":
        return f"UDP {seen.length}"
    return seen.protocol.upper()


def _fields(seen: Packet) -> Iterator[str]:
    if not seen.source:
        yield f"{seen.protocol} {seen.text}"
        return
    ends = [
        f"{address}:{port}" if port else address
        for address, port in (
            (seen.source, seen.source_port),
            (seen.destination, seen.destination_port),
        )
    ]
    yield f"{seen.protocol.upper()} {ends[0]} → {ends[1]}"
    if seen.protocol == "tcp":
        yield _(
            "flags {flags}, sequence {sequence}, acknowledgement {ack}, window {window}"
        ).format(
            flags=seen.flags,
            sequence=seen.sequence,
            ack=seen.acknowledgement,
            window=seen.window,
        )
    if seen.options:
        yield _("options") + ": " + ", ".join(seen.options)
    if seen.text:
        yield seen.text
    if seen.payload:
        count = _("{count} bytes").format(count=seen.length)
        yield f"{count}: {printable(seen.payload)}"
