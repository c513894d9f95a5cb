"""Moving between namespaces, and the settings of the namespace of this thread."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from echolab.engines.namespaces import linux
from echolab.errors import BadInput

KINDS = {
    "mnt": linux.CLONE_NEWNS,
    "net": linux.CLONE_NEWNET,
    "uts": linux.CLONE_NEWUTS,
    "ipc": linux.CLONE_NEWIPC,
}
"""The namespaces of a host, by their names below /proc/PID/ns, with their flags (clone(2))."""


@contextlib.contextmanager
def in_network(descriptor: int) -> Iterator[None]:
    """Within it, this thread is in the network namespace that the descriptor refers to."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(descriptor, linux.CLONE_NEWNET)
        yield
    finally:
        linux.setns(own, linux.CLONE_NEWNET)
        os.close(own)


@contextlib.contextmanager
def moving() -> Iterator[int]:
    """Within it this process may change its namespaces; afterwards it is back in its own.

    It yields a descriptor of /proc, which stays usable if the root has no /proc.
    """
    procfs = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
    folder = os.open(".", os.O_PATH | os.O_CLOEXEC)
    own = all_of(procfs)
    try:
        yield procfs
    finally:
        for kind, descriptor in own.items():
            linux.setns(descriptor, KINDS[kind])
        os.fchdir(folder)
        for descriptor in (procfs, folder, *own.values()):
            os.close(descriptor)


def all_of(procfs: int) -> dict[str, int]:
    """A descriptor of each of this thread's namespaces."""
    return {
        kind: os.open(f"thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=procfs)
        for kind in KINDS
    }


@contextlib.contextmanager
def procfs() -> Iterator[int]:
    """A descriptor of /proc."""
    procfs = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
    try:
        yield procfs
    finally:
        os.close(procfs)


@contextlib.contextmanager
def told_of(file: str, host: str) -> Iterator[None]:
    """Within it, errors in what the user wrote name the file and the host."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{file}: {host}: {error.message}", error.remedy) from None


def set_sysctl(path: str, value: str, procfs: int) -> None:
    """Write a setting. Raises BadInput if this kernel's network has no setting of that name."""
    try:
        write_sysctl(path, value, procfs)
    except OSError as error:
        name, why = path.replace("/", "."), error.strerror
        remedy = "only settings of the host's own network can be set"
        if error.errno == errno.ENOENT:
            why, remedy = (
                "the lab's kernel has no such setting",
                "leave it out, or correct its name",
            )
        raise BadInput(f"sysctls: {name} cannot be set to {value!r}: {why}", remedy) from None


def write_sysctl(path: str, value: str, procfs: int) -> None:
    descriptor = os.open(f"sys/{path}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=procfs)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
