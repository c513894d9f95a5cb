"""Why a guest ended without an answer, read from its console and its log of programs."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from echolab.errors import CannotRun

LAST_LINES = 5
"""How many lines of the console an error shows."""

PANIC = re.compile(r"Kernel panic - not syncing: (.*)")
LOST = re.compile(r"^.*?- (\d+) \((.*)\)$", re.MULTILINE)
PREFIX = re.compile(r"^\[ *[\d.]+\] ")

REASONS = (
    # What the console says, what it means, what to do.
    (
        "going to sleep forever",
        "every program in the guest waits for something that never comes",
        "give what waits a time-out",
    ),
    (
        "Out of memory",
        "the guest ran out of memory",
        "let the programs use less of it",
    ),
    (
        "System is deadlocked on memory",
        "the guest ran out of memory",
        "let the programs use less of it",
    ),
    (
        "No working init found",
        "the guest cannot start Python",
        "use an interpreter that every user can read, outside of noexec file systems",
    ),
    (
        "Requested init",
        "the guest cannot start Python",
        "use an interpreter that every user can read, outside of noexec file systems",
    ),
    (
        "ptrace: Operation not permitted",
        "this system forbids both seccomp filters and ptrace, by which the guest runs programs",
        "allow one of them (docker run --security-opt seccomp=unconfined), or --engine docker",
    ),
    (
        "must be not mounted noexec",
        "the guest's memory is on a file system that is mounted noexec",
        "set TMPDIR to another folder",
    ),
    (
        "No space left on device",
        "the disk is full",
        "free some room, or choose another folder with --out",
    ),
)


@dataclasses.dataclass(frozen=True)
class Running:
    """A program that the guest had started and that had not ended; `pid` is 0 until it is known."""

    pid: int
    host: str
    argv: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' '.join(self.argv)} on {self.host}"


def still_running(log: Path) -> tuple[Running, ...]:
    """The programs that were started and did not end, in the order of their start."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    running: dict[int, Running] = {}
    for line in lines:
        try:
            event = json.loads(line)
            if event["event"] in ("starting", "start"):
                program = Running(event.get("pid", 0), event["host"], tuple(event["argv"]))
                running.pop(0, None)  # what was starting has now started, or failed to
                running[program.pid] = program
            else:
                running.pop(event["pid"], None)
        except (ValueError, KeyError, TypeError):
            continue
    return tuple(running.values())


def why_it_hung(console: str, log: Path, limit: float, of: str = "wall time") -> CannotRun:
    """The error for a guest that a limit ended: of wall time, or of what `of` says."""
    return CannotRun(
        f"no lab time passed to the end within {limit:.0f} s of {of}{_suspects(log)}"
        f"{_last_lines(console)}",
        "a program that computes without ever waiting stops the lab's clock: let it wait or end",
    )


def why_it_died(status: int, console: str, log: Path) -> CannotRun:
    """The error for a guest that ended by itself without an answer."""
    for sign, meaning, remedy in REASONS:
        if sign in console:
            return CannotRun(f"{meaning}{_suspects(log)}{_last_lines(console)}", remedy)
    panic = PANIC.search(console)
    if panic:
        what = f"the guest's kernel panicked: {panic[1].strip()}"
    elif status < 0:
        what = f"the guest's kernel was ended by signal {-status}"
    else:
        what = "the guest ended without an answer"
    return CannotRun(
        f"{what}{_suspects(log)}{_last_lines(console)}",
        "run it again; if it fails again, report it with these lines",
    )


def _suspects(log: Path) -> str:
    running = still_running(log)
    return f"; still running: {', '.join(map(str, running))}" if running else ""


def _last_lines(console: str) -> str:
    lines = [PREFIX.sub("", line).strip() for line in console.splitlines()]
    shown = [line for line in lines if line][-LAST_LINES:]
    return f"; its console said: {' | '.join(shown)}" if shown else ""
