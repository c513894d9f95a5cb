"""What every engine does: hosts up and down, programs, `tc`, time, captures.

Everything above this contract is written once. An engine is a module with
`NAME`, `lack()` and `run()` (see `echolab.engines`); what it opens for a job is a
`Network`, the hosts of one topology.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a host is on the lab's network: `ip` (version 4), `ip6` or None, `mac`."""

    ip: str
    mac: str
    ip6: str | None = None


def version(release: str) -> tuple[int, int]:
    """The first two numbers of a kernel's release: (7, 3) for "7.3.4" and for "7.3-rc1"."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


@dataclasses.dataclass(frozen=True)
class Finished:
    """A program that ended on a host.

    `status` is the exit status, or minus the number of the signal that ended it, or
    None where the engine's time limit ended it. `started` and `ended` are lab seconds.
    `calls` are the system calls as strace(1) prints them, each with its time since 1970
    and how long it took, where asked for.
    """

    host: str
    argv: tuple[str, ...]
    status: int | None
    stdout: str
    stderr: str
    started: float
    ended: float
    calls: str = ""


@dataclasses.dataclass(frozen=True)
class Captured:
    """One packet capture: a pcap file, seen on `host`, `where` before or after its link.

    `before-link` holds what the host handed to its link; `after-link` what the link let
    through and what the host received.
    """

    host: str
    where: str
    file: str


class Program(Protocol):
    """A program that was started on a host."""

    host: str
    argv: tuple[str, ...]

    def wait(self, timeout: float | None = None) -> Finished:
        """Wait at most `timeout` lab seconds for the end; then the program is killed."""

    def stop(self) -> Finished:
        """End the program: SIGTERM, and SIGKILL after one lab second."""

    def send(self, data: bytes) -> None:
        """Write to the program's standard input."""


class Network(Protocol):
    """The hosts of one topology, up, their services running; closed, they are gone."""

    link_by: str
    """`netem` where this network's kernel shapes, `appliance` where a booted one does."""

    kernel: str
    """Release of the kernel that the hosts run on, as `uname -r` prints it."""

    link_kernel: str
    """Release of the kernel that shapes the links."""

    addresses: Mapping[str, Address]

    def start(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        trace: bool = False,
        keep_input: bool = False,
    ) -> Program:
        """Start a program on a host; with `trace`, under strace where it is there.

        `input` is written to its standard input, which is then closed; `keep_input`
        leaves it open for `Program.send`. Raises BadInput where the program is not there.
        """

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run `tc ARGUMENTS` for the link of a host and return its standard output.

        The link's device is called `eth0` in every engine. Raises CannotRun with tc's
        own words where it fails.
        """

    def read(self, host: str, path: str) -> str:
        """The text of a file below /proc or /sys as the host's network namespace has it."""

    def now(self) -> float:
        """Lab seconds since the network was opened."""

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""

    def captures(self) -> Sequence[Captured]:
        """Finish the captures and name their files; empty where none were asked for."""

    def close(self) -> None:
        """Release everything; a second call does nothing."""

    def __enter__(self) -> Network: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
