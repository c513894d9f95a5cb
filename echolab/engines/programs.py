"""What every engine does alike with a program on a host: its limits, its trace, its errors.

An engine starts and ends programs in its own way; what a scenario can see of that is here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Final

from echolab.errors import BadInput, CannotRun

MIB: Final = 1 << 20

MOST_OUTPUT: Final = 16 * MIB
"""Bytes that a program may write to standard output, and as many to standard error: room for
many probes of 10,000 messages. A program that writes more is killed."""

MOST_CALLS: Final = 4 * MIB
"""Bytes of a program's system calls that are kept."""

TERM_GRACE: Final = 1.0
"""Lab seconds between SIGTERM and SIGKILL when a program is stopped."""

FLOODED: Final = f"\n[echolab killed this program: it wrote more than {MOST_OUTPUT} bytes]\n"
"""The last line of the standard error of a program that wrote too much."""

STRACE: Final = (
    "strace",
    "-f",
    "--absolute-timestamps=unix,ns",
    "--syscall-times=ns",
    "-s",
    "64",
    "-e",
    "trace=%network,read,write,readv,writev,close,poll,ppoll,select,pselect6,epoll_wait,execve",
)
"""The calls that a lecture on sockets discusses, and those with which a program waits."""


def check_words(host: str, argv: Sequence[str]) -> None:
    """Raise BadInput for words that cannot start a program (execve(2))."""
    if not argv or not argv[0]:
        raise BadInput(f"no program was named to run on {host}", "give its words as a list")
    if any("\0" in word for word in argv):
        raise BadInput(
            f"a word for {argv[0]!r} on {host} has a NUL byte in it", "send such data as input"
        )


def traced(argv: Sequence[str], file: str) -> tuple[str, ...]:
    """The words that start a program with its system calls written to a file of the host."""
    return (*STRACE, "-o", file, "--", *argv)


def not_there(host: str, program: str) -> BadInput:
    """The error for a name in no folder of the host's PATH, or for a path that does not exist."""
    if "/" in program:
        return cannot_start(host, program, "No such file or directory")
    return BadInput(
        f"host {host}: there is no program '{program}' on its PATH",
        "install it where the host's files come from, or give its path",
    )


def cannot_start(host: str, program: str, why: str) -> BadInput:
    """The error for a file that cannot be executed; `why` is strerror(3)'s."""
    return BadInput(
        f"host {host}: cannot start '{program}': {why}", "name a program that the host can execute"
    )


def ended_at_once(host: str, status: int | None, said: str, file: str) -> CannotRun:
    """The error for a service that ended before anybody used it; `said` holds its last words."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = f": {' / '.join(lines[-3:])[-200:]}" if lines else ", without a word"
    return CannotRun(
        f"{host} ended at once with status {status}{words}",
        f"fix its command, or give it 'x-echolab: idle' in {file}",
    )


def input_closed(host: str, program: str) -> BadInput:
    """The error for writing to standard input that was not kept open."""
    return BadInput(
        f"standard input of {program} on {host} is closed", "start it with keep_input=True"
    )


def tc_failed(host: str, arguments: Sequence[str], said: str) -> CannotRun:
    """The error for a `tc` that failed; `said` is what it wrote."""
    return CannotRun(f"tc {' '.join(arguments)} on {host}: {said.strip()}", "see tc-netem(8)")


def check_readable(host: str, path: str) -> None:
    """Raise BadInput unless `path` is one that `Network.read` may read."""
    if "\0" in path or not posixpath.normpath(path).startswith(("/proc/", "/sys/")):
        raise BadInput(f"cannot read {path!r} on {host}", "name a file below /proc or /sys")


def unreadable(host: str, path: str, why: str) -> BadInput:
    """The error for a file below /proc or /sys that cannot be read; `why` is strerror(3)'s."""
    return BadInput(f"cannot read {path} on {host}: {why}", "see what the host's kernel has there")
