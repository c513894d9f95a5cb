"""Histories from texts: our own JSON, Jepsen's log, and its EDN.

Ours is one JSON object per line, or an array of them, with the field names of `Operation`. Jepsen's
log has lines of process, event, function and value (`0 :invoke :read nil`); its EDN has maps
(`{:process 0, :type :invoke, :f :get, :key "0", :value nil}`). In these two, each line is a moment
of its own, and an operation that is never answered, or is answered by `:info`, is unknown.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from echolab.errors import BadInput
from echolab.history.values import Datum, History, Operation, Outcome

LOG = re.compile(r"(?:INFO\s+\S+\s+-\s+)?(\S+)\s+:(invoke|ok|fail|info)\s+:([\w-]+)\s+(.*)")
EDN = re.compile(r":([\w-]+)\s+((?:\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\]|:[\w-]+|[^,}\s]+))")

REMEDY = "see docs/distributed.md for the formats"

OUTCOMES: dict[str, Outcome] = {"ok": "ok", "fail": "fail", "info": "unknown"}


@dataclasses.dataclass(frozen=True)
class _Event:
    """One line of Jepsen's: an event of an operation."""

    process: str
    kind: str
    function: str
    key: Datum
    value: Datum


def parse(text: str, where: str = "history") -> History:
    """The history in a text. Raises BadInput, with the line, if it is not valid."""
    begin = text.lstrip()[:1]
    if begin == "[" and not LOG.match(text.lstrip()):
        return tuple(
            operation(value, f"{where}: operation {number}")
            for number, value in enumerate(_array(text, where), 1)
        )
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line]
    if lines and lines[0][1].startswith("{") and not lines[0][1].startswith("{:"):
        return tuple(
            operation(_object(line, f"{where}:{number}"), f"{where}:{number}")
            for number, line in lines
        )
    return _paired([(number, _event(line, f"{where}:{number}")) for number, line in lines], where)


def _array(text: str, where: str) -> list[object]:
    value = _object(text, where)
    if not isinstance(value, list):
        raise BadInput(f"{where} is not a list of operations", REMEDY)
    return value


def _object(text: str, where: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not JSON: {error}", REMEDY) from None
    return value


def _datum(value: object, where: str) -> Datum:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return tuple(_datum(entry, where) for entry in value)
    raise BadInput(f"{where}: an operation cannot carry an object", REMEDY)


def operation(value: object, where: str) -> Operation:
    """An operation of our own format. Raises BadInput, which begins with `where`."""
    if not isinstance(value, dict):
        raise BadInput(f"{where} is not an object", REMEDY)
    names = {field.name for field in dataclasses.fields(Operation)}
    unknown = sorted(value.keys() - names)
    if unknown or not {"process", "function", "invoked"} <= value.keys():
        what = (
            f"has an unknown name '{unknown[0]}'"
            if unknown
            else ("lacks one of process, function, invoked")
        )
        raise BadInput(f"{where} {what}", REMEDY)
    found = {name: _datum(entry, where) for name, entry in value.items()}
    invoked, completed = (_moment(found, name, where) for name in ("invoked", "completed"))
    if invoked is None:
        raise BadInput(f"{where}: 'invoked' must be a number", REMEDY)
    outcome = found.get("outcome", "unknown" if completed is None else "ok")
    if outcome not in OUTCOMES.values():
        raise BadInput(f"{where}: 'outcome' must be ok, fail or unknown", REMEDY)
    try:
        return Operation(
            process=str(found["process"]),
            function=str(found["function"]),
            argument=found.get("argument"),
            result=found.get("result"),
            invoked=invoked,
            completed=None if outcome == "unknown" else completed,
            outcome=cast(Outcome, outcome),
            key=found.get("key"),
        )
    except BadInput as error:
        raise BadInput(f"{where}: {error.message}", error.remedy) from None


def _moment(found: Mapping[str, Datum], name: str, where: str) -> float | None:
    moment = found.get(name)
    if isinstance(moment, bool) or not isinstance(moment, (int, float, type(None))):
        raise BadInput(f"{where}: '{name}' must be a number", REMEDY)
    return None if moment is None else float(moment)


def _event(line: str, where: str) -> _Event:
    if line.startswith("{"):
        found: dict[str, str] = dict(EDN.findall(line))
        if not {"process", "type", "f"} <= found.keys():
            raise BadInput(f"{where} lacks one of :process, :type, :f", REMEDY)
        return _Event(
            found["process"],
            found["type"].lstrip(":"),
            found["f"].lstrip(":"),
            _edn(found.get("key", "nil")),
            _edn(found.get("value", "nil")),
        )
    matched = LOG.fullmatch(line)
    if matched is None:
        raise BadInput(f"{where} is not a line of a history: {line[:60]}", REMEDY)
    process, kind, function, value = matched.groups()
    return _Event(process, kind, function, None, _edn(value.strip()))


def _edn(text: str) -> Datum:
    """A value of EDN: a number, a text, nil, a vector of these, or a keyword."""
    if text == "nil" or not text:
        return None
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("["):
        return tuple(_edn(part) for part in re.findall(r'"(?:[^"\\\\]|\\\\.)*"|[^\s,\[\]]+', text))
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text.strip('"')
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _paired(events: list[tuple[int, _Event]], where: str) -> History:
    """Operations from their calls and answers; the line number is the time."""
    return tuple(sorted(_operations(events, where), key=lambda one: one.invoked))


def _operations(events: list[tuple[int, _Event]], where: str) -> Iterator[Operation]:
    asked: dict[str, tuple[int, _Event]] = {}
    for number, event in events:
        if event.kind == "invoke":
            if event.process in asked:
                raise BadInput(
                    f"{where}:{number}: process {event.process} asks before it was answered", REMEDY
                )
            asked[event.process] = (number, event)
            continue
        if event.kind not in OUTCOMES:
            raise BadInput(f"{where}:{number}: ':{event.kind}' is not known", REMEDY)
        if event.process not in asked:
            raise BadInput(
                f"{where}:{number}: process {event.process} is answered, but has not asked", REMEDY
            )
        begun, call = asked.pop(event.process)
        yield _operation(call, begun, event, number)
    for begun, call in asked.values():
        yield Operation(
            call.process, call.function, call.value, None, begun, None, "unknown", call.key
        )


def _operation(call: _Event, begun: int, answer: _Event, ended: int) -> Operation:
    outcome = OUTCOMES[answer.kind]
    known = outcome == "ok"
    asks = call.value is None
    return Operation(
        process=call.process,
        function=call.function,
        argument=call.value,
        result=answer.value if known and asks else None,
        invoked=begun,
        completed=None if outcome == "unknown" else ended,
        outcome=outcome,
        key=call.key,
    )
