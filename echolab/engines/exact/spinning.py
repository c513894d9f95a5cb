"""Which program computes without ever waiting, at which line, and what its last system calls were.

Strategy: such a program stops the guest's clock, and it never lets anything else in the guest run.
So it is told apart from outside: only the guest's programs use the processor, its kernel does not.
Then the same job is performed once more, with every program under strace(1), and with Python
showing its lines there (`sitecustomize`). A guest repeats, so the program hangs again, and what
strace wrote last is the explanation. A Java program is then asked for its line (`java_lines.c`).
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from echolab.engines.activity import program
from echolab.engines.exact import java_lines, sitecustomize
from echolab.engines.exact.diagnosis import Running, still_running
from echolab.engines.exact.stall import Stalled, processor_times
from echolab.engines.job_files import CALLS, PROGRAMS
from echolab.errors import CannotRun

LIMIT = 30.0
"""Seconds of processor time without a system call after which a run is ended."""

AGAIN = 3.0
"""The same, in seconds, when the run is repeated to explain it; calls that show lines are none."""

MOMENTS = 100
"""How often a Java program is asked: it tells the loop in which it was each time."""

BETWEEN = 0.01
"""Seconds from one such moment to the next."""

ASKING = 3.0
"""Seconds of processor time within which it must have answered."""

LAST_CALLS = 3
"""How many system calls an error shows."""

LONGEST_CALL = 100
"""The most characters of one of them."""

SETTLED = 200
"""Of the lines since the last system call the one that counts: always the same, and in the loop."""

TAIL = 1 << 20
"""Bytes at the end of what strace wrote that are looked at."""

LINE = re.compile(rf'"{sitecustomize.MARK} (\d+) of ([^"]*)"')
CALL = re.compile(r"^(?:\d+ +)?\d+\.\d+ (?P<call>\w+\(.*)$")
EVENT = re.compile(r"^(?:(?P<thread>\d+) +)?\d+\.\d+ (?P<what>.*)$")
RETURNED = re.compile(r" = .* <\d+\.\d+>$")
DURATION = re.compile(r" +<\d+\.\d+>$")

REMEDY = "let it sleep, wait for a socket, or look at the clock while it waits; or let it end"


class RepeatedRun:
    """Watches a run that is repeated in `folder`, by the guest with that process group."""

    def __init__(self, group: int, folder: Path) -> None:
        self._group = group
        self._folder = folder
        self._last: list[str] = []
        self._since = 0.0
        self._times: Mapping[int, float] = {}

    def look(self) -> None:
        """Raise Stalled once no program asks its kernel for anything any more."""
        told = _told(self._folder)
        calls = [
            line for text in told.values() for line in text.splitlines() if not LINE.search(line)
        ]
        before, self._times = self._times, processor_times(self._group)
        used = sum(self._times.values())
        if not calls or calls != self._last:
            self._last, self._since = calls, used
        elif used - self._since >= AGAIN:
            if java_lines.READY in told[_computing(told)]:
                self._ask(before)
            raise Stalled

    def _ask(self, before: Mapping[int, float]) -> None:
        """Ask the Java program that computes for its line, again and again.

        Its process on this machine is the one that used the most processor time since `before`.
        """
        used = sum(self._times.values())
        computes = max(self._times, key=lambda one: self._times[one] - before.get(one, 0.0))
        while (
            sum(len(LINE.findall(text)) for text in _told(self._folder).values()) < MOMENTS
            and sum(processor_times(self._group).values()) - used < ASKING
        ):
            try:
                os.kill(computes, java_lines.ASKS)
            except ProcessLookupError:
                return
            time.sleep(BETWEEN)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a program that computes without end last did.

    `line` is "12 of /lab/client.py", empty if it is not known; `calls` are its last system calls.
    `program` is None if it is not known.
    """

    line: str = ""
    calls: tuple[str, ...] = ()
    program: Running | None = None

    def where(self) -> str:
        """The line, as a sentence goes on; empty if it is not known."""
        number, _, file = self.line.partition(" of ")
        return f", at line {number} of {file}" if self.line else ""

    def last_calls(self) -> str:
        """The last system calls, likewise."""
        return f"; its last calls: {', '.join(self.calls)}" if self.calls else ""


def seen(folder: Path) -> Seen:
    """What the program that computes last did, in a run that was repeated to explain it."""
    told = _told(folder)
    if not told:
        return Seen()
    pid = _computing(told)
    lines, calls = [], []
    for text in told[pid].splitlines():
        if shown := LINE.search(text):
            lines.append(f"{shown[1]} of {shown[2]}")
        elif java_lines.READY not in text and (found := CALL.match(text)):
            calls.append(" ".join(DURATION.sub("", found["call"]).split()))
            lines.clear()
    return Seen(
        lines[:SETTLED][-1] if lines else "",
        tuple(
            call if len(call) <= LONGEST_CALL else f"{call[: LONGEST_CALL - 1]}…"
            for call in calls[-LAST_CALLS:]
        ),
        next((one for one in still_running(folder / PROGRAMS) if one.pid == pid), None),
    )


def why(log: Path, last: Seen, limit: float) -> CannotRun | None:
    """The error for a run that a spinning program stopped; None if no program is known to run.

    `log` is its log of programs, `last` what the program did in a repetition of the run.
    """
    running = still_running(log)
    if not running:
        return None
    computes = last.program or running[-1]
    name, host = program(computes.argv), computes.host
    return CannotRun(
        f"{name} on {host} has computed for {limit:.0f} s without a system call{last.where()}, "
        f"and meanwhile no lab time passes{last.last_calls()}",
        REMEDY,
    )


def _told(folder: Path) -> dict[int, str]:
    """What strace wrote about each program, by its number, in the order of their start."""
    files = {int(file.name.removeprefix(CALLS)): file for file in folder.glob(f"{CALLS}*")}
    return {number: _end(files[number]) for number in sorted(files)}


def _end(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read().decode(errors="replace")


def _computing(told: Mapping[int, str]) -> int:
    """The program that computes: the newest with a thread that is in no call, or the newest.

    Several may be in no call, if they were ready to go on when one began to compute without end.
    Only that one has shown lines since its last call, if it is in Python: the others stand there.
    """

    def signs(number: int) -> tuple[bool, bool, int]:
        *_, last = ("", *told[number].splitlines())
        return _computes(told[number]), LINE.search(last) is not None, number

    return max(told, key=signs)


def _computes(told: str) -> bool:
    """Whether the last call of one of a program's threads has returned."""
    waits: dict[str, bool] = {}
    for line in told.splitlines():
        if (found := EVENT.match(line)) is None or found["what"].startswith("---"):
            continue
        thread = found["thread"] or ""
        if found["what"].startswith("+++"):
            waits.pop(thread, None)
        else:
            waits[thread] = RETURNED.search(line) is None
    return not all(waits.values())
