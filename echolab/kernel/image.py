"""A built guest kernel as a value: where its files are, and which kernel it is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

SECCOMP_SINCE = (6, 16)
"""User-Mode Linux can catch system calls with seccomp since Linux 6.16."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A guest kernel that can be booted.

    `path` is its executable, `preload` the shared object that seeds it (preload.c);
    `release` is what `uname -r` prints in the guest, `source` where it came from, and
    `digest` the SHA-256 of the executable.
    """

    path: Path
    preload: Path
    release: str
    source: str
    digest: str

    @property
    def has_seccomp(self) -> bool:
        """Whether this kernel knows the argument `seccomp=`."""
        numbers = re.match(r"(\d+)\.(\d+)", self.release)
        return numbers is not None and (int(numbers[1]), int(numbers[2])) >= SECCOMP_SINCE
