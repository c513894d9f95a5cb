"""Joining packet captures by time (pcap-savefile(5), nanoseconds, this machine's bytes)."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

BILLION = 1_000_000_000
FILE_HEADER = 24
RECORD_HEADER = struct.Struct("=IIII")
"""Seconds, nanoseconds, bytes kept, bytes on the wire."""


def records(file: Path, ahead: int = 0) -> Iterator[tuple[int, bytes]]:
    """Each whole packet of a capture: its time in nanoseconds, and its record.

    `ahead` is by how many nanoseconds the capture's clock was ahead; it is taken off.
    """
    with file.open("rb") as stream:
        stream.read(FILE_HEADER)
        while len(header := stream.read(RECORD_HEADER.size)) == RECORD_HEADER.size:
            seconds, nanoseconds, kept, length = RECORD_HEADER.unpack(header)
            packet = stream.read(kept)
            if len(packet) == kept:
                at = seconds * BILLION + nanoseconds - ahead
                yield at, RECORD_HEADER.pack(*divmod(at, BILLION), kept, length) + packet


def merge(captures: Sequence[tuple[Path, int]], into: Path) -> None:
    """Write the packets of several captures into one, ordered by time.

    Each capture comes with the nanoseconds by which its clock was ahead.
    """
    with into.open("wb") as out:
        with captures[0][0].open("rb") as first:
            out.write(first.read(FILE_HEADER))
        packets = [records(file, ahead) for file, ahead in captures]
        for _, record in heapq.merge(*packets, key=lambda packet: packet[0]):
            out.write(record)
