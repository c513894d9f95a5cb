"""What must hold for the history of each Maelstrom workload (its documentation, "Workloads").

Acknowledged operations were done, failed ones were not, and those of unknown outcome may or may
not have been. The final reads are those from the moment `final` on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from echolab.errors import BadInput
from echolab.history.values import Datum, History, Operation, shown


@dataclasses.dataclass(frozen=True)
class Check:
    """Something that must hold, and what contradicts it, one line each."""

    text: str
    broken: tuple[str, ...] = ()


Checker: TypeAlias = Callable[[History, float], Iterator[Check]]


def _of(history: History, function: str, *outcomes: str) -> list[Operation]:
    wanted = outcomes or ("ok",)
    return [one for one in history if one.function == function and one.outcome in wanted]


def _echo(history: History, final: float) -> Iterator[Check]:
    wrong = [
        f"client {one.process}: {shown(one.result)} came back for {shown(one.argument)}"
        for one in _of(history, "echo")
        if one.result != one.argument
    ]
    yield Check("what was sent comes back", tuple(wrong))


def _unique_ids(history: History, final: float) -> Iterator[Check]:
    seen: dict[str, Operation] = {}
    twice = []
    for one in _of(history, "generate"):
        first = seen.setdefault(shown(one.result), one)
        if first is not one:
            clients = f"clients {first.process} and {one.process}"
            when = f"at {first.invoked:.3f} s and {one.invoked:.3f} s"
            twice.append(f"{shown(one.result)} for {clients}, {when}")
    yield Check("no identifier is given twice", tuple(twice))


# --- what is added and read


def elements(read: Operation) -> frozenset[Datum]:
    """What a read says is there."""
    return frozenset(read.result if isinstance(read.result, tuple) else ())


def _set(added: str) -> Checker:
    def check(history: History, final: float) -> Iterator[Check]:
        reads = _of(history, "read")
        known = {one.argument for one in _of(history, added)}
        lost = [
            f"client {one.process} lacks {_listed(missing)}"
            for one in reads
            if one.invoked >= final and (missing := known - elements(one))
        ]
        yield Check("nothing that was acknowledged is missing in the end", tuple(lost))
        possible = {one.argument for one in _of(history, added, "ok", "unknown")}
        odd = [
            f"client {one.process} has {_listed(more)}"
            for one in reads
            if (more := elements(one) - possible)
        ]
        yield Check("nothing is there that nobody sent", tuple(odd))

    return check


def _listed(values: frozenset[Datum] | set[Datum]) -> str:
    found = sorted(map(shown, values))
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return ", ".join(found[:5]) + more


def _counter(history: History, final: float) -> Iterator[Check]:
    sums = {sum(_number(one.argument) for one in _of(history, "add"))}
    for one in _of(history, "add", "unknown"):
        sums |= {total + _number(one.argument) for total in sums}
    wanted = f"{min(sums)}" if len(sums) == 1 else f"{min(sums)} to {max(sums)}"
    wrong = [
        f"client {one.process} reads {shown(one.result)}, not {wanted}"
        for one in _of(history, "read")
        if one.invoked >= final and one.result not in sums
    ]
    yield Check("every node has the sum of what was added in the end", tuple(wrong))


def _number(value: Datum) -> int:
    return value if isinstance(value, int) else 0


# --- logs

Log: TypeAlias = dict[int, dict[Datum, Operation]]
"""What is known of a log: the messages reported for each offset, and to whom."""


def _kafka(history: History, final: float) -> Iterator[Check]:
    logs: dict[Datum, Log] = {}
    for one in _of(history, "send"):
        _learn(logs, one.key, one.result, one.argument, one)
    polls = [(one, _polled(one)) for one in _of(history, "poll")]
    for one, found in polls:
        for key, entries in found.items():
            for at, sent in entries:
                _learn(logs, key, at, sent, one)
    yield Check("an offset has one message", tuple(_ambiguous(logs)))
    yield Check("a message has one offset", tuple(_repeated(logs)))
    backwards = [line for one, found in polls for line in _backwards(one, found)]
    yield Check("offsets grow within a poll, and from poll to poll", tuple(backwards))
    skipped = [line for one, found in polls for line in _skipped(one, found, logs)]
    yield Check("no poll skips an offset that exists", tuple(skipped))
    yield Check("no acknowledged message is lost", tuple(_lost(history, polls)))


def _learn(logs: dict[Datum, Log], key: Datum, at: Datum, sent: Datum, told: Operation) -> None:
    if isinstance(at, int):
        logs.setdefault(key, {}).setdefault(at, {}).setdefault(sent, told)


def _polled(one: Operation) -> Mapping[Datum, list[tuple[int, Datum]]]:
    found: dict[Datum, list[tuple[int, Datum]]] = {}
    for entry in one.result if isinstance(one.result, tuple) else ():
        if isinstance(entry, tuple) and isinstance(entry[1], int):
            found.setdefault(entry[0], []).append((entry[1], entry[2]))
    return found


def _asked(one: Operation) -> Mapping[Datum, int]:
    pairs = one.argument if isinstance(one.argument, tuple) else ()
    return {pair[0]: _number(pair[1]) for pair in pairs if isinstance(pair, tuple)}


def _ambiguous(logs: Mapping[Datum, Log]) -> Iterator[str]:
    for key, log in logs.items():
        for at, told in log.items():
            if len(told) > 1:
                yield f"log {key}, offset {at}: {' and '.join(map(shown, told))}"


def _repeated(logs: Mapping[Datum, Log]) -> Iterator[str]:
    for key, log in logs.items():
        places: dict[Datum, int] = {}
        for at, told in log.items():
            for sent in told:
                first = places.setdefault(sent, at)
                if first != at:
                    yield f"log {key}, message {shown(sent)}: offsets {first} and {at}"


def _backwards(one: Operation, found: Mapping[Datum, Sequence[tuple[int, Datum]]]) -> Iterator[str]:
    for key, entries in found.items():
        before = _asked(one).get(key, 0) - 1
        for at, _ in entries:
            if at <= before:
                yield f"client {one.process} polls log {key}: offset {at} behind {before}"
            before = at


def _skipped(
    one: Operation, found: Mapping[Datum, Sequence[tuple[int, Datum]]], logs: Mapping[Datum, Log]
) -> Iterator[str]:
    for key, entries in found.items():
        seen = [at for at, _ in entries]
        exist = range(_asked(one).get(key, 0), seen[-1])
        missed = [at for at in exist if at in logs[key] and at not in seen]
        if missed:
            yield f"client {one.process} polls log {key}: offset {missed[0]} is skipped"


def _lost(
    history: History, polls: Sequence[tuple[Operation, Mapping[Datum, list[tuple[int, Datum]]]]]
) -> Iterator[str]:
    """Messages that were acknowledged but that nobody saw, though somebody saw a later one."""
    seen: dict[Datum, set[int]] = {}
    for _, found in polls:
        for key, entries in found.items():
            seen.setdefault(key, set()).update(at for at, _ in entries)
    for one in _of(history, "send"):
        at, known = one.result, seen.get(one.key, set())
        if isinstance(at, int) and known and at < max(known) and at not in known:
            yield f"log {one.key}, offset {at}: {shown(one.argument)} was acknowledged, and is gone"


def _nothing(history: History, final: float) -> Iterator[Check]:
    return iter(())


CHECKERS: Mapping[str, Checker] = {
    "echo": _echo,
    "unique-ids": _unique_ids,
    "broadcast": _set("broadcast"),
    "g-set": _set("add"),
    "g-counter": _counter,
    "pn-counter": _counter,
    "lin-kv": _nothing,  # held to linearizability
    "kafka": _kafka,
}
"""Each workload, with the check of its history."""


def checker(workload: str) -> Checker:
    """The check of a workload's history. Raises BadInput if there is no such workload."""
    if workload not in CHECKERS:
        raise BadInput(f"there is no workload '{workload}'", f"choose {', '.join(CHECKERS)}")
    return CHECKERS[workload]


ADDS: Mapping[str, str] = {"broadcast": "broadcast", "g-set": "add"}
"""The function that adds something, for workloads whose reads return everything."""
