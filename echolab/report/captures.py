"""A record's captures, read from its folder and matched; and what is missing among them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from echolab.errors import BadInput
from echolab.record import Record
from echolab.report import pcap
from echolab.report.matching import Passage, Seen, match

BEFORE, BEHIND = "before-link", "after-link"


@dataclasses.dataclass(frozen=True)
class Captures:
    """Every frame of a run, matched, and notes on what was not captured, for people."""

    passages: tuple[Passage, ...]
    notes: tuple[str, ...]


def load(record: Record, folder: Path) -> Captures:
    """Read and match the captures that a record names; a missing one becomes a note."""
    notes: list[str] = []
    files: dict[tuple[str, str], tuple[pcap.Frame, ...]] = {}
    for entry in record.get("captures", ()):
        frames = _read(entry, folder, notes)
        if frames is not None:
            files[entry["host"], entry["where"]] = frames
    if not files:
        return Captures((), ("This run kept no packet captures.", *notes))
    seen = {
        host["name"]: Seen(
            host["mac"],
            files.get((host["name"], BEFORE)),
            files.get((host["name"], BEHIND)),
        )
        for host in record["hosts"]
    }
    notes += _lacking(seen)
    return Captures(match(seen), tuple(notes))


def _read(
    entry: Mapping[str, Any], folder: Path, notes: list[str]
) -> tuple[pcap.Frame, ...] | None:
    # A record may come from somebody else: its file names lead nowhere but to its folder.
    name = Path(str(entry["file"])).name
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        notes.append(f"The capture {name} cannot be read: {error.strerror}.")
        return None
    if hashlib.sha256(content).hexdigest() != entry.get("sha256"):
        notes.append(f"The capture {name} is not the one that the run wrote: its hash differs.")
    try:
        return pcap.parse(content, name)
    except BadInput as error:
        notes.append(f"The capture {name} cannot be shown: {error.message}.")
        return None


def _lacking(seen: Mapping[str, Seen]) -> list[str]:
    notes = []
    blind = [host for host, one in seen.items() if one.before is None]
    if blind and len(blind) < len(seen):
        notes.append(
            f"What {_names(blind)} handed to the link was not captured: a packet that died "
            "there is not shown."
        )
    elif blind:
        notes.append(
            "This engine captures behind the link alone: a packet that died on its sender's "
            "link is in no capture, and a time of sending is that behind the link."
        )
    deaf = [host for host, one in seen.items() if one.behind is None]
    if deaf:
        notes.append(f"What {_names(deaf)} received was not captured: it seems to have died.")
    return notes


def _names(hosts: list[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{', '.join(hosts[:-1])} and {hosts[-1]}"
