"""Read packet captures: the frames of a pcap file, each with its time in nanoseconds.

The format is that of pcap-savefile(5): times in micro- or nanoseconds, either byte order.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

from echolab.errors import BadInput

NANOSECONDS = 1_000_000_000
"""A second."""

MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""First bytes of a file: its byte order, and the nanoseconds of its finer unit of time."""

FILE_HEADER = 24
ETHERNET = 1
"""LINKTYPE_ETHERNET."""


class Frame(NamedTuple):
    """One captured frame: `at` in nanoseconds since 1970, `data` from the Ethernet header on.

    `place` is its place in the file, which tells the order of frames of the same time.
    """

    at: int
    data: bytes
    place: int = 0


def read(path: Path) -> tuple[Frame, ...]:
    """The frames of a capture file, in the order of the file.

    A file that was cut short gives the frames before the cut. Raises BadInput for a file
    that is no capture of an Ethernet, or that cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"capture {path}: {error.strerror}", "run the scenario again") from None
    return parse(content, str(path))


def parse(content: bytes, where: str = "capture") -> tuple[Frame, ...]:
    """The frames of the bytes of a capture file; see `read`.

    Strategy: dpkt has a reader for such files, too, but it makes a floating point of a
    time in microseconds, and takes 7 µs a frame where this takes less than one.
    """
    order, unit = MAGIC.get(content[:4], ("", 0))
    if not order or len(content) < FILE_HEADER:
        raise BadInput(f"{where} is no packet capture", "run the scenario again")
    (link_type,) = struct.unpack_from(f"{order}I", content, FILE_HEADER - 4)
    if link_type & 0xFFFF != ETHERNET:
        raise BadInput(
            f"{where} has frames of link type {link_type}, not of an Ethernet",
            "capture on the host's eth0",
        )
    header = struct.Struct(f"{order}IIII")
    frames: list[Frame] = []
    place, size = FILE_HEADER, len(content)
    while place + header.size <= size:
        seconds, parts, captured, _ = header.unpack_from(content, place)
        place += header.size
        if place + captured > size:
            break
        at = seconds * NANOSECONDS + parts * unit
        frames.append(Frame(at, content[place : place + captured], len(frames)))
        place += captured
    return tuple(frames)
