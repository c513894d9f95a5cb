"""Commands that take long: followed line by line, limited in time, ended with their children."""

from __future__ import annotations

import contextlib
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
"""All that a command sees of the environment: what is built depends on nothing else."""

TAIL = 12
"""How many of the last lines of output an error keeps."""


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

    `line` is called with each line, `tick` once a second. Raises CannotRun, with the last
    line that speaks of an error, where the command fails or takes longer than `limit`
    seconds. Whatever happens, nothing that it started is left.
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


def _read(
    process: subprocess.Popen[bytes],
    limit: float,
    line: Callable[[str], None] | None,
    tick: Callable[[], None] | None,
) -> str | None:
    """The output until its end; None where `limit` came first."""
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
    """The line of the output that says best what went wrong."""
    last = deque((line.strip() for line in output.splitlines() if line.strip()), maxlen=TAIL)
    for line in last:
        if any(word in line.lower() for word in ("error", "no space", "e: ", "cannot", "fatal")):
            return line
    return last[-1] if last else "it said nothing"
