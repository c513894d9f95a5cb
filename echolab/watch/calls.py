"""The system calls of a watched run's programs, taken in as strace(1) tells them.

Times are lab seconds. A call that has not returned by what is known so far has no end; it gets one
when more is told.
"""

from __future__ import annotations

import dataclasses
import re

from echolab.engines.lines import sitecustomize
from echolab.report import calls as traced
from echolab.scenario.watched import Look, Opening, SeenCalls

NANOSECONDS = 1e9

LOOKED_FOR = re.compile(r'^f?access(?:at2?)?\((?:AT_FDCWD, )?"(?P<path>[^"]*)"')
"""A call by which a program looks for a file, or shows its line."""

BEGINNING = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)$")


@dataclasses.dataclass(frozen=True)
class ShownCall:
    """One system call of a process of a program: from lab second `at` on, to `until`.

    `program` is the number that looks give the program. `text` is the call in short form, `result`
    what it returned, "" while it has not. A Python program is at `line` of `file`; 0 if that is not
    known. `number` counts the process's calls of the same moment, from 0.
    """

    host: str
    program: int
    process: str
    at: float
    until: float | None
    text: str
    result: str
    line: int = 0
    file: str = ""
    number: int = 0


class Calls:
    """All calls so far; `take` adds what a look tells."""

    def __init__(self, opening: Opening) -> None:
        self._epoch = opening.epoch
        self._names = {ip: one.host for one in opening.devices for ip in one.addresses}
        self._rest: dict[int, str] = {}
        self._halves: dict[int, traced.Halves] = {}
        self._found: dict[tuple[int, str, int, int], ShownCall] = {}
        self._last: dict[tuple[int, str], tuple[int, int]] = {}
        self._lines: dict[tuple[int, str], tuple[int, str]] = {}

    def all(self) -> tuple[ShownCall, ...]:
        """Every call so far."""
        return tuple(self._found.values())

    def take(self, look: Look) -> None:
        """Take in the calls that a look tells."""
        for one in look.calls:
            *lines, rest = (self._rest.get(one.program, "") + one.text).split("\n")
            self._rest[one.program] = rest
            for line in lines:
                self._line(one, line, whole=True)
            if "(" in rest and "<..." not in rest:  # it begins a call; its end comes whole
                self._line(one, rest, whole=False)

    def _line(self, of: SeenCalls, line: str, *, whole: bool) -> None:
        told = self._halves.setdefault(of.program, traced.Halves()).take(line)
        if told is None:
            return
        looked = LOOKED_FOR.match(told.text)
        if looked is None:
            self._note(of.host, of.program, told, self._number(of.program, told, whole=whole))
        elif place := sitecustomize.read(looked["path"]):
            self._lines[of.program, told.process] = place

    def _number(self, program: int, told: traced.Told, *, whole: bool) -> int:
        """The number of a call among those of its moment; one whose end is told has it already."""
        at, number = self._last.get((program, told.process), (-1, 0))
        if told.end is None:
            number = number + 1 if told.at == at else 0
        if whole:
            self._last[program, told.process] = told.at, number
        return number

    def _note(self, host: str, program: int, told: traced.Told, number: int) -> None:
        found = traced.CALL.match(told.text)
        begun = BEGINNING.match(told.text)
        until, result = None, ""
        if found is not None:
            call = traced.call(found, host, told, self._names)
            text, result = call.text, call.result
            until = None if call.returned is None else self._second(call.returned)
        elif begun is not None:
            text = traced.short(begun["name"], begun["arguments"], self._names)
        else:
            return
        at = self._second(told.at)
        line, file = self._lines.get((program, told.process), (0, ""))
        shown = ShownCall(host, program, told.process, at, until, text, result, line, file, number)
        self._found[program, told.process, told.at, number] = shown

    def _second(self, moment: int) -> float:
        return (moment - self._epoch) / NANOSECONDS


def key(call: ShownCall) -> str:
    """What names a call."""
    return f"{call.program} {call.process} {call.at:.9f} {call.number}"
