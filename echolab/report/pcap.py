"""Read packet captures: the frames of a pcap file, each with its time in nanoseconds.

The format is that of pcap-savefile(5): times in micro- or nanoseconds, either byte order.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from decimal import Decimal
from pathlib import Path

import dpkt

from echolab.errors import BadInput

NANOSECONDS, MICROSECONDS = 1_000_000_000, 1_000_000
"""A second of either."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """One captured frame: `at` in nanoseconds since 1970, `data` from the Ethernet header on."""

    at: int
    data: bytes


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
    """The frames of the bytes of a capture file; see `read`."""
    try:
        reader = dpkt.pcap.Reader(io.BytesIO(content))
    except (ValueError, dpkt.Error):
        raise BadInput(f"{where} is no packet capture", "run the scenario again") from None
    if reader.datalink() != dpkt.pcap.DLT_EN10MB:
        raise BadInput(
            f"{where} has frames of link type {reader.datalink()}, not of an Ethernet",
            "capture on the host's eth0",
        )
    frames: list[Frame] = []
    # A file that ends inside a header: what came before it is whole.
    with contextlib.suppress(dpkt.NeedData):
        for at, data in reader:
            frames.append(Frame(_nanoseconds(at), data))
    return tuple(frames)


def _nanoseconds(at: Decimal | float) -> int:
    """The reader gives exact decimals for a file of nanoseconds, and else floating points."""
    if isinstance(at, Decimal):
        return int(at * NANOSECONDS)
    return round(at * MICROSECONDS) * (NANOSECONDS // MICROSECONDS)
