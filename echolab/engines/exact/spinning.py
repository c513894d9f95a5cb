"""Which program computes without ever waiting, at which line, and what its last system calls were.

Strategy: such a program stops the guest's clock, and it never lets anything else in the guest run.
So it is told apart from outside: only the guest's programs use the processor, its kernel does not.
Then the same job is performed once more, with every program under strace(1), and with Python
showing its lines there (`sitecustomize`). A guest repeats, so the program hangs again, and what
strace wrote last is the explanation.
"""

from __future__ import annotations

import re
from pathlib import Path

from echolab.engines.activity import program
from echolab.engines.exact import sitecustomize
from echolab.engines.exact.diagnosis import still_running
from echolab.engines.job_files import CALLS
from echolab.errors import CannotRun

LIMIT = 30.0
"""Seconds of processor time without a system call after which a run is ended."""

AGAIN = 5.0
"""The same, in seconds, when the run is repeated to explain it."""

LAST_CALLS = 3
"""How many system calls an error shows."""

LONGEST_CALL = 100
"""The most characters of one of them."""

TAIL = 1 << 20
"""Bytes at the end of what strace wrote that are looked at."""

LINE = re.compile(rf'"{sitecustomize.MARK} (\d+) of ([^"]*)"')
CALL = re.compile(r"^(?:\d+ +)?\d+\.\d+ (?P<call>\w+\(.*)$")
DURATION = re.compile(r" +<\d+\.\d+>$")

REMEDY = "let it sleep, wait for a socket, or look at the clock while it waits; or let it end"


def why(log: Path, folder: Path, limit: float) -> CannotRun | None:
    """The error for a run that a spinning program stopped; None if no program is known to run.

    `log` is its log of programs; `folder` holds what the run left that was repeated to explain it.
    """
    running = still_running(log)
    if not running:
        return None
    name, host = program(running[-1].argv), running[-1].host
    text = _newest(folder)
    found = LINE.findall(text)
    where = f", at line {found[-1][0]} of {found[-1][1]}" if found else ""
    calls = _last_calls(text)
    last = f"; its last calls: {', '.join(calls)}" if calls else ""
    return CannotRun(
        f"{name} on {host} has computed for {limit:.0f} s without a system call{where}, "
        f"and meanwhile no lab time passes{last}",
        REMEDY,
    )


def _newest(folder: Path) -> str:
    """What strace wrote about the program that was started last; empty if there is nothing."""
    files = sorted(folder.glob(f"{CALLS}*"), key=lambda file: int(file.name.removeprefix(CALLS)))
    if not files:
        return ""
    with files[-1].open("rb") as file:
        file.seek(max(0, files[-1].stat().st_size - TAIL))
        return file.read().decode(errors="replace")


def _last_calls(text: str) -> list[str]:
    """The last system calls, without those that show a line, without times."""
    calls = [
        " ".join(DURATION.sub("", found["call"]).split())
        for line in text.splitlines()
        if not LINE.search(line) and (found := CALL.match(line))
    ]
    return [
        call if len(call) <= LONGEST_CALL else f"{call[: LONGEST_CALL - 1]}…"
        for call in calls[-LAST_CALLS:]
    ]
