"""The words for what a history must be, besides linearizable, and what contradicts each.

- `linearizable`: see `echolab.history.linearizability`.
- `sequential`: the model allows one order of all operations that keeps each process's own in the
    order of its calls (Lamport, "How to make a multiprocessor computer that correctly executes
    multiprocess programs", 1979).
- the session guarantees `read your writes`, `monotonic reads`, `monotonic writes` and `writes
  follow reads` (Terry and others, "Session guarantees for weakly consistent replicated data",
  1994): see `echolab.history.sessions`.
- `agreement`: from some seconds after the last fault, all reads agree.
- `nothing lost`: these reads show everything that was acknowledged.
- `at most once`: nothing is there, or was taken out, more often than it was asked for.
- `exactly once`: both of these.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TypeAlias

from echolab.errors import BadInput
from echolab.history import linearizability, sessions
from echolab.history.models import Model, State
from echolab.history.values import Datum, History, Operation, by_key, shown


@dataclasses.dataclass(frozen=True)
class Finding:
    """Whether a history is as a word says; None if that cannot be told.

    `why` says what contradicts it, or why it cannot be told; `part` has the operations concerned.
    """

    holds: bool | None
    why: str = ""
    part: History = ()


HOLDS = Finding(True)


def check(word: str, model: Model, history: History, settled: float) -> Finding:
    """Check a history against a word. Reads from the moment `settled` on count as final.

    Raises BadInput for an unknown word, for one that does not suit the model, and for an operation
    that the model lacks.
    """
    if word not in WORDS:
        raise BadInput(f"no history is '{word}'", f"say {', '.join(WORDS)}")
    for operation in history:
        model.check(operation)
    told = tuple(filter(model.tells, history))
    return WORDS[word](model, told, settled)


def _linearizable(model: Model, history: History, settled: float) -> Finding:
    result = linearizability.check(history, model)
    if result.linearizable:
        return HOLDS
    violation = result.violations[0]
    last = max(violation.part, key=lambda one: one.completed or 0.0)
    key = "" if violation.key is None else f"key {shown(violation.key)}: "
    return Finding(False, f"{key}nothing explains {last.process}: {last}", violation.part)


# --- sequential consistency

MOST_VISITS = 200_000
"""How many states are tried to find an order; the question is NP-complete."""


Node: TypeAlias = tuple[tuple[int, ...], frozenset[int], tuple[State, ...]]
"""How many operations of each process are done, which of unknown outcome, each key's state."""


class _Orders:
    """The orders of a history's operations that keep each process's own in the order of its calls.

    Strategy: a search over the progress of each process and the state of each key. An operation of
    unknown outcome is a process of its own, which may begin when its process's earlier operations
    are done, or never.
    """

    def __init__(self, model: Model, history: History) -> None:
        self._model = model
        self._known = list(_sessions(one for one in history if one.outcome != "unknown").values())
        self._unknown = [one for one in history if one.outcome == "unknown"]
        self._keys = {key: number for number, key in enumerate(by_key(history))}

    def any(self) -> bool | None:
        """Whether the model allows one of them; None if that takes too long to tell."""
        first = (self._model.first,) * len(self._keys)
        work: list[Node] = [((0,) * len(self._known), frozenset(), first)]
        seen: set[Node] = set()
        while work:
            node = work.pop()
            if node in seen:
                continue
            seen.add(node)
            if len(seen) > MOST_VISITS:
                return None
            if all(map(_all_done, node[0], self._known)):
                return True
            work += self._after(node)
        return False

    def _after(self, node: Node) -> Iterator[Node]:
        done, late, state = node
        for number, operation in enumerate(self._unknown):
            if number not in late and self._may_begin(operation, done):
                for found in self._step(state, operation):
                    yield done, late | {number}, found
        for place, own in enumerate(self._known):
            if done[place] < len(own):
                for found in self._step(state, own[done[place]]):
                    yield (*done[:place], done[place] + 1, *done[place + 1 :]), late, found

    def _may_begin(self, operation: Operation, done: tuple[int, ...]) -> bool:
        for own, count in zip(self._known, done, strict=True):
            if own[0].process == operation.process:
                return sum(one.invoked < operation.invoked for one in own) <= count
        return True

    def _step(self, state: tuple[State, ...], operation: Operation) -> Iterator[tuple[State, ...]]:
        place = self._keys[operation.key]
        for found in self._model.step(state[place], operation):
            yield (*state[:place], found, *state[place + 1 :])


def _all_done(count: int, operations: Sequence[Operation]) -> bool:
    return count == len(operations)


def _sequential(model: Model, history: History, settled: float) -> Finding:
    found = _Orders(model, history).any()
    if found is None:
        return Finding(None, "the history is too long to look at all of its orders")
    return HOLDS if found else Finding(False, "no order of the operations is allowed", history)


def _sessions(history: Iterator[Operation]) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for operation in sorted(history, key=lambda one: one.invoked):
        found.setdefault(operation.process, []).append(operation)
    return found


# --- what is there in the end

ADDS: Mapping[str, str] = {
    "kv": "append",
    "set": "add",
    "log": "append",
    "counter": "add",
    "queue": "enqueue",
    "stack": "push",
}
"""The function of each model that adds something to its content."""

TAKES: Mapping[str, str] = {"queue": "dequeue", "stack": "pop"}


def _final(model: Model, history: Sequence[Operation], settled: float) -> list[Operation]:
    """The reads from a moment on that were answered."""
    return [
        one
        for one in history
        if one.function in model.reads and one.outcome == "ok" and one.invoked >= settled
    ]


NO_READS = Finding(None, "nothing was read in the end")


def _agreement(model: Model, history: History, settled: float) -> Finding:
    found: dict[tuple[Datum, str, Datum], Operation] = {}
    for one in _final(model, history, settled):
        first = found.setdefault((one.key, one.function, one.argument), one)
        if _content(model, first.result) != _content(model, one.result):
            why = f"{first.process}: {first}, but {one.process}: {one}"
            return Finding(False, why, (first, one))
    return HOLDS if found else NO_READS


def _content(model: Model, result: Datum) -> Hashable:
    return frozenset(result) if model.name == "set" and isinstance(result, tuple) else result


def _nothing_lost(model: Model, history: History, settled: float) -> Finding:
    inconclusive = False
    for part in by_key(history).values():
        finding = _lost_of(model, part, settled)
        if finding.holds is False:
            return finding
        inconclusive |= finding.holds is None
    return NO_READS if inconclusive or not history else HOLDS


def _lost_of(model: Model, part: History, settled: float) -> Finding:
    """What is lost under one key."""
    if model.name == "cas-register":
        return _overwritten(model, part, settled)
    if model.name in TAKES:
        return _never_taken(model, part)
    if model.name == "kv" and any(one.function == "put" for one in part):
        return _overwritten(model, part, settled)
    finals = _final(model, part, settled)
    if not finals:
        return NO_READS
    added = [one for one in part if one.function == ADDS.get(model.name)]
    kept = [one for one in added if one.outcome == "ok"]
    if model.name == "counter":
        return _counted_too_little(finals, added)
    removed = {one.argument for one in part if one.function == "remove"}
    for one in kept:
        for final in finals:
            if one.argument not in removed and not _holds(model, final, finals, one):
                why = f"{one.process}: {one} was acknowledged, but {final.process}: {final}"
                return Finding(False, why, (one, final))
    return HOLDS


def _holds(model: Model, final: Operation, finals: Sequence[Operation], added: Operation) -> bool:
    """Whether a read shows what was added; of a log, whether any of them does."""
    if model.name == "kv":
        return str(added.argument) in str(final.result or "")
    if model.name == "log":
        return any(one.result == added.argument for one in finals)
    return isinstance(final.result, tuple) and added.argument in final.result


def _overwritten(model: Model, part: History, settled: float) -> Finding:
    """Whether a final read shows less than the last write, as far as that is known."""
    finals = _final(model, part, settled)
    if not finals:
        return NO_READS
    writes = [one for one in part if one.function not in model.reads and one.outcome != "fail"]
    for final in finals:
        later = [
            one
            for one in writes
            if one.outcome == "ok" and _value(one) != final.result and _done(one) <= final.invoked
        ]
        sources = [one for one in writes if _value(one) == final.result]
        for one in later:
            if all(_done(source) < one.invoked for source in sources):
                why = f"{one.process}: {one} was acknowledged, but {final.process}: {final}"
                return Finding(False, why, (*sources, one, final))
    return HOLDS


def _value(write: Operation) -> Datum:
    """The content after a write."""
    if write.function == "cas" and isinstance(write.argument, tuple):
        return write.argument[1]
    return write.argument


def _done(operation: Operation) -> float:
    return float("inf") if operation.completed is None else operation.completed


def _never_taken(model: Model, part: History) -> Finding:
    """Whether an element was acknowledged, never taken out, and the queue reported as empty."""
    taken = {one.result for one in part if one.function == TAKES[model.name]}
    empty = [
        one.invoked
        for one in part
        if one.function == TAKES[model.name] and one.outcome == "ok" and one.result is None
    ]
    unsure = any(one.function == TAKES[model.name] and one.outcome == "unknown" for one in part)
    for one in part:
        added = one.function == ADDS[model.name] and one.outcome == "ok"
        lost = added and one.argument not in taken and not unsure
        if lost and any(moment > _done(one) for moment in empty):
            return Finding(False, f"{one.process}: {one} was acknowledged, and is gone", (one,))
    return HOLDS if empty else NO_READS


def _counted_too_little(finals: Sequence[Operation], added: Sequence[Operation]) -> Finding:
    """Whether a counter lacks what was acknowledged; this can be told if it only grows."""
    low = sum(_amount(one) for one in added if one.outcome == "ok")
    low += sum(min(_amount(one), 0) for one in added if one.outcome == "unknown")
    for final in finals:
        if isinstance(final.result, (int, float)) and final.result < low:
            why = f"{final.process}: {final}, but at least {low:g} was acknowledged"
            return Finding(False, why, (final,))
    return HOLDS


def _amount(operation: Operation) -> float:
    argument = operation.argument
    return argument if isinstance(argument, (int, float)) else 1


def _at_most_once(model: Model, history: History, settled: float) -> Finding:
    for part in by_key(history).values():
        for finding in _twice(model, part):
            return finding
    return HOLDS


def _twice(model: Model, part: History) -> Iterator[Finding]:
    """What is there under one key, or was taken out, more often than it was asked for."""
    added = [one for one in part if one.function == ADDS.get(model.name)]
    asked = [one.argument for one in added]
    answered = [one for one in part if one.outcome == "ok" and one not in added]
    if model.name == "counter":
        yield from _counted_too_much(answered, added)
    elif model.name == "kv":
        for one, text in itertools.product(answered, dict.fromkeys(asked)):
            if str(one.result or "").count(str(text)) > asked.count(text):
                yield Finding(False, f"{one.process}: {one} has {shown(text)} twice", (one,))
    elif model.name in TAKES or model.name == "log":
        places: dict[Datum, set[Datum]] = {}
        for number, one in enumerate(answered):
            found = places.setdefault(one.result, set())
            found.add(number if model.name in TAKES else one.argument)
            if one.result is not None and len(found) > max(asked.count(one.result), 1):
                yield Finding(False, f"{one.process}: {one}, for the second time", (one,))


def _counted_too_much(
    answered: Sequence[Operation], added: Sequence[Operation]
) -> Iterator[Finding]:
    """Whether a counter has more than was asked for."""
    most = sum(max(_amount(one), 0) for one in added)
    for one in answered:
        if isinstance(one.result, (int, float)) and one.result > most:
            why = f"{one.process}: {one}, but only {most:g} was asked for"
            yield Finding(False, why, (one,))


def _exactly_once(model: Model, history: History, settled: float) -> Finding:
    finding = _at_most_once(model, history, settled)
    return _nothing_lost(model, history, settled) if finding.holds else finding


def _session(word: str) -> Callable[[Model, History, float], Finding]:
    def check(model: Model, history: History, settled: float) -> Finding:
        broken = sessions.broken(word, model, history)
        return Finding(False, broken.why, broken.part) if broken else HOLDS

    return check


WORDS: Mapping[str, Callable[[Model, History, float], Finding]] = {
    "linearizable": _linearizable,
    "sequential": _sequential,
    **{word: _session(word) for word in sessions.GUARANTEES},
    "agreement": _agreement,
    "nothing lost": _nothing_lost,
    "at most once": _at_most_once,
    "exactly once": _exactly_once,
}
"""Each word, with its check."""
