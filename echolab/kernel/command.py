"""Long-running commands: read line by line, limited in time, ended with their children.

A command ends, too, when the thread that follows it does, for whatever reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from echolab.errors import CannotRun

ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
}
"""The whole environment of a command: a build depends on nothing else."""

PR_SET_PDEATHSIG = 1
"""See prctl(2)."""

TAIL = 12
"""How many of the last lines of output an error message is chosen from."""


def follow(
    arguments: Sequence[str],
    *,
    folder: Path,
    what: str,
    remedy: str,
    limit: float,
    environment: Mapping[str, str] | None = None,
    line: Callable[[str], None] | None = None,
    tick: Callable[[], None] | None = None,
) -> str:
    """Run a command and return its output, standard error included.

    `line` is called with each line, `tick` once a second while the command is silent.
    Raises CannotRun if the command fails, with the line of its last output that mentions
    an error, or if it takes longer than `limit` seconds. Nothing that it started is left.
    """
    try:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env={**ENVIRONMENT, "TMPDIR": str(folder), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=functools.partial(_end_with, os.getpid(), ctypes.CDLL(None).prctl),
        )
    except OSError as error:
        raise CannotRun(f"{what} failed: {arguments[0]}: {error.strerror}", remedy) from error
    try:
        output = _read(process, limit, line, tick)
        if output is None:
            raise CannotRun(f"{what} took longer than {limit:.0f} s and was ended", remedy)
        if process.wait() != 0:
            raise CannotRun(f"{what} failed: {_telling(output)}", remedy)
        return output
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _end_with(parent: int, prctl: Callable[[int, int], int]) -> None:
    """Have this new process receive SIGTERM when its parent dies: make(1) then ends with it."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def _read(
    process: subprocess.Popen[bytes],
    limit: float,
    line: Callable[[str], None] | None,
    tick: Callable[[], None] | None,
) -> str | None:
    """The whole output; None if `limit` came first."""
    assert process.stdout is not None
    deadline = time.monotonic() + limit
    output = bytearray()
    seen = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if selector.select(min(left, 1.0)):
                text = os.read(process.stdout.fileno(), 65536)
                if not text:
                    return output.decode(errors="replace")
                output += text
                while line and (end := output.find(b"\n", seen)) >= 0:
                    line(output[seen:end].decode(errors="replace"))
                    seen = end + 1
            elif tick:
                tick()
    return None


def _telling(output: str) -> str:
    """The line of the output that best says what went wrong."""
    last = deque((line.strip() for line in output.splitlines() if line.strip()), maxlen=TAIL)
    for line in last:
        if any(word in line.lower() for word in ("error", "no space", "e: ", "cannot", "fatal")):
            return line
    return last[-1] if last else "it printed nothing"
