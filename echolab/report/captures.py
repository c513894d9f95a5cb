"""Read and match a record's captures, and note which are missing."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from echolab import sayings
from echolab.errors import BadInput
from echolab.language import translate as _
from echolab.record import Capture, Record
from echolab.report import pcap
from echolab.report.matching import Passage, Seen, match

BEFORE, BEHIND = "before-link", "after-link"


@dataclasses.dataclass(frozen=True)
class Captures:
    """Every frame of a run, matched, and readable notes on what was not captured."""

    passages: tuple[Passage, ...]
    notes: tuple[str, ...]


def load(record: Record, folder: Path) -> Captures:
    """Read and match the captures that a record names; a missing one becomes a note."""
    notes: list[str] = []
    files: dict[tuple[str, str, str], tuple[pcap.Frame, ...]] = {}
    for capture in record.captures:
        if capture.lost:
            lost = _("The capture {file} lost {count} packets.")
            notes.append(lost.format(file=capture.file, count=capture.lost))
        frames = _read(capture, folder, notes)
        if frames is not None:
            files[capture.host, capture.network, capture.where] = frames
    if not files:
        return Captures((), (_("This run kept no packet captures."), *notes))
    passages: list[Passage] = []
    networks = _networks(record)
    for network, macs in networks.items():
        seen = {
            host: Seen(mac, files.get((host, network, BEFORE)), files.get((host, network, BEHIND)))
            for host, mac in macs.items()
        }
        notes += _lacking(seen)
        passages += match(seen)
    if len(networks) > 1:  # a packet that a host forwards is a frame on each of its networks
        passages.sort(key=lambda passage: passage.at)
    return Captures(tuple(passages), tuple(dict.fromkeys(notes)))


def _networks(record: Record) -> Mapping[str, Mapping[str, str]]:
    """The hardware address of each host on each network, by network and host."""
    found: dict[str, dict[str, str]] = {}
    for host in record.hosts:
        if host.shares:
            continue
        for one in host.interfaces:
            found.setdefault(one.network, {})[host.name] = one.mac
        if not host.interfaces and host.mac:  # a record from when a lab had only one network
            found.setdefault("default", {})[host.name] = host.mac
    return found


def _read(capture: Capture, folder: Path, notes: list[str]) -> tuple[pcap.Frame, ...] | None:
    # A record may come from somebody else: its file names must not lead out of its folder.
    name = Path(capture.file).name
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        unread = _("The capture {file} cannot be read: {why}.")
        notes.append(unread.format(file=name, why=error.strerror))
        return None
    if hashlib.sha256(content).hexdigest() != capture.sha256:
        other = _("The capture {file} is not the one that the run wrote: its hash differs.")
        notes.append(other.format(file=name))
    try:
        return pcap.parse(content, name)
    except BadInput as error:
        unshown = _("The capture {file} cannot be shown: {why}.")
        notes.append(unshown.format(file=name, why=sayings.error(error.message)))
        return None


def _lacking(seen: Mapping[str, Seen]) -> list[str]:
    notes = []
    blind = [host for host, one in seen.items() if one.before is None]
    if blind and len(blind) < len(seen):
        unseen = _(
            "What {hosts} handed to the link was not captured: a packet that died there is not "
            "shown."
        )
        notes.append(unseen.format(hosts=_names(blind)))
    elif blind:
        notes.append(
            _(
                "This engine captures behind the link alone: a packet that died on its sender's "
                "link is in no capture, and a time of sending is that behind the link."
            )
        )
    deaf = [host for host, one in seen.items() if one.behind is None]
    if deaf:
        received = _("What {hosts} received was not captured: it seems to have died.")
        notes.append(received.format(hosts=_names(deaf)))
    return notes


def _names(hosts: list[str]) -> str:
    if len(hosts) == 1:
        return hosts[0]
    return _("{hosts} and {last}").format(hosts=", ".join(hosts[:-1]), last=hosts[-1])
