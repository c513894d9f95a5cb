"""The system calls of a watched run's programs, taken in as strace(1) tells them.

Times are lab seconds. A call that has not returned by what is known so far has no end; it gets one
when more is told.
"""

from __future__ import annotations

import dataclasses
import re

from echolab.report import calls as traced
from echolab.scenario.watched import Look, Opening

NANOSECONDS = 1e9

BEGINNING = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)$")


@dataclasses.dataclass(frozen=True)
class ShownCall:
    """One system call of a process of a program: from lab second `at` on, to `until`.

    `program` is the number that looks give the program. `text` is the call in short form, `result`
    what it returned, "" while it has not.
    """

    host: str
    program: int
    process: str
    at: float
    until: float | None
    text: str
    result: str


class Calls:
    """All calls so far; `take` adds what a look tells."""

    def __init__(self, opening: Opening) -> None:
        self._epoch = opening.epoch
        self._names = {ip: one.host for one in opening.devices for ip in one.addresses}
        self._rest: dict[int, str] = {}
        self._halves: dict[int, traced.Halves] = {}
        self._found: dict[tuple[int, str, int], ShownCall] = {}

    def all(self) -> tuple[ShownCall, ...]:
        """Every call so far."""
        return tuple(self._found.values())

    def take(self, look: Look) -> None:
        """Take in the calls that a look tells."""
        for one in look.calls:
            *lines, rest = (self._rest.get(one.program, "") + one.text).split("\n")
            self._rest[one.program] = rest
            for line in (*lines, rest):
                told = self._halves.setdefault(one.program, traced.Halves()).take(line)
                if told is not None:
                    self._note(one.host, one.program, told)

    def _note(self, host: str, program: int, told: traced.Told) -> None:
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
        shown = ShownCall(host, program, told.process, self._second(told.at), until, text, result)
        self._found[program, told.process, told.at] = shown

    def _second(self, moment: int) -> float:
        return (moment - self._epoch) / NANOSECONDS


def key(call: ShownCall) -> str:
    """What names a call."""
    return f"{call.program} {call.process} {call.at:.9f}"
