"""A history as frozen values: operations, each with the times of its call and its answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal, TypeAlias

from echolab.errors import BadInput

Datum: TypeAlias = bool | int | float | str | tuple["Datum", ...] | None
"""What an operation can carry: it can be compared, and be a member of a set."""

Outcome: TypeAlias = Literal["ok", "fail", "unknown"]


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of one client.

    `invoked` and `completed` are seconds, or any other figures that grow with time. `outcome` is
    `ok`, `fail` (it certainly had no effect; a compare-and-set may also not have found the value)
    or `unknown`: then it may have had its effect at any time after `invoked`, or never, and
    `completed` is None. `key` names the object, if there are several.
    """

    process: str
    function: str
    argument: Datum = None
    result: Datum = None
    invoked: float = 0.0
    completed: float | None = None
    outcome: Outcome = "ok"
    key: Datum = None

    def __post_init__(self) -> None:
        if (self.completed is None) != (self.outcome == "unknown"):
            raise BadInput(
                f"{self.function} of process {self.process} is {self.outcome} at {self.completed}",
                "give `completed` unless the outcome is unknown",
            )
        if self.completed is not None and self.completed < self.invoked:
            raise BadInput(
                f"{self.function} of process {self.process} was answered before it was asked for",
                "give `completed` no smaller than `invoked`",
            )

    def __str__(self) -> str:
        subject = "" if self.key is None else f"{shown(self.key)} "
        argument = "" if self.argument is None else f" {shown(self.argument)}"
        if self.outcome == "unknown":
            return f"{subject}{self.function}{argument} → ?"
        if self.outcome == "fail":
            return f"{subject}{self.function}{argument} → failed"
        told = self.result is not None or self.argument is None
        return f"{subject}{self.function}{argument}" + (f" → {shown(self.result)}" if told else "")


History: TypeAlias = tuple[Operation, ...]


@dataclasses.dataclass(frozen=True)
class Workload:
    """What clients asked and learned while they worked side by side, under its name."""

    name: str
    operations: History = ()


def plain(operation: Operation) -> dict[str, object]:
    """An operation as JSON, without fields that have their default values."""
    told = {
        "process": operation.process,
        "function": operation.function,
        "key": operation.key,
        "argument": operation.argument,
        "result": operation.result,
        "invoked": operation.invoked,
        "completed": operation.completed,
        "outcome": operation.outcome if operation.outcome == "fail" else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def shown(value: Datum) -> str:
    """A value as a line shows it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= LONGEST else f'"…{value[3 - LONGEST :]}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else f"{value}"


LONGEST = 40
"""The most characters of a text that a line shows; a longer text shows its end."""


def by_key(history: History) -> Mapping[Datum, History]:
    """The operations on each key, in their order."""
    found: dict[Datum, list[Operation]] = {}
    for operation in history:
        found.setdefault(operation.key, []).append(operation)
    return {key: tuple(operations) for key, operations in found.items()}
