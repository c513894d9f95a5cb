"""The SHA-256 of a run's captures, added to its record outside the guest.

In the guest, importing hashlib alone would take 15 ms.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from echolab.record.values import Record


def with_digests(record: Record, folder: Path) -> Record:
    """The record, with a digest added to each capture in the run's folder that lacks one."""
    captures = tuple(
        capture
        if capture.sha256
        else dataclasses.replace(
            capture, sha256=hashlib.sha256((folder / capture.file).read_bytes()).hexdigest()
        )
        for capture in record.captures
    )
    return dataclasses.replace(record, captures=captures)
