"""Signals to every program of a host, whoever started it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from echolab.engines.namespaces.hosts import HostNamespaces


def to_all(host: HostNamespaces, number: signal.Signals) -> None:
    """Send a signal to every process on a host.

    Strategy: a process may start another while we look, so we look until no new one appears.
    """
    sent: set[int] = set()
    while found := set(_processes(host)) - sent:
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        sent |= found


def _processes(host: HostNamespaces) -> Iterator[int]:
    """The processes on the host, by its UTS namespace (uts_namespaces(7)), except this one."""
    wanted = host.names_itself()
    own = os.getpid()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != own:
            with contextlib.suppress(OSError):
                found = (entry / "ns/uts").stat()
                if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                    yield int(entry.name)
