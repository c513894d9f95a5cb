"""Whether a history is linearizable, and the smallest part of it that is not.

A history is linearizable if each operation can be given one moment between its call and its
answer, so that in this order they do what the model says (Herlihy and Wing, "Linearizability",
1990).

Strategy: the search of Wing and Gong ("Testing and verifying concurrent objects", 1993) tries any
operation that was called before the first answer still to be explained. If the model allows it, the
search goes on from there; otherwise it goes back. Lowe ("Testing for linearizability", 2017)
remembers which sets of operations led to which state, and never goes on from the same twice. Each
key is a history of its own, since linearizability is local (P-compositionality). An operation of
unknown outcome has no answer to explain: it may take effect at any later moment, or never.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from echolab.history.models import Model, State
from echolab.history.values import Datum, History, Operation, by_key


@dataclasses.dataclass(frozen=True)
class Dead:
    """An end of the search: the order of the operations, the state, and what cannot come next."""

    order: tuple[Operation, ...]
    state: State
    refused: tuple[Operation, ...]


@dataclasses.dataclass(frozen=True)
class Violation:
    """The smallest part of a history that cannot be explained.

    `part` holds its operations. With the answer of the last one there is no explanation any more.
    Up to `held` there was one; `states` are those that the object may have been in then. `ends` are
    the longest explanations of the part, each with what contradicts it.
    """

    key: Datum
    part: History
    held: float
    states: tuple[State, ...]
    ends: tuple[Dead, ...]


@dataclasses.dataclass(frozen=True)
class Result:
    """For each key, whether it is linearizable: `violations` is empty if all are."""

    operations: int
    keys: int
    violations: tuple[Violation, ...] = ()

    @property
    def linearizable(self) -> bool:
        return not self.violations


def check(history: History, model: Model) -> Result:
    """Judge a history; the first key that is not linearizable is explained.

    Raises BadInput for an operation that the model lacks.
    """
    for operation in history:
        model.check(operation)
    told = tuple(filter(model.tells, history))
    parts = by_key(told)
    for key, part in parts.items():
        if not possible(part, model, (model.first,)):
            return Result(len(history), len(parts), (explain(key, part, model),))
    return Result(len(history), len(parts))


def possible(history: History, model: Model, states: Sequence[State]) -> bool:
    """Whether a history of one object can be explained from any of these initial states."""
    return any(_Search(history, model).explains(state) for state in states)


class _Search:
    """The search on one history: its calls and returns as a doubly linked list.

    Entry 0 is the head, entry n the call or the return of an operation; lifting an operation
    takes both out of the list, and unlifting puts them back where they were.
    """

    def __init__(self, history: History, model: Model) -> None:
        self._operations = history
        self._step = model.step
        moments: list[tuple[float, int, int]] = []
        for number, operation in enumerate(history):
            moments.append((operation.invoked, 0, number))
            if operation.completed is not None:
                moments.append((operation.completed, 1, number))
        moments.sort()
        self._of = [-1] + [number for _, _, number in moments]
        self._answers = [False] + [kind == 1 for _, kind, _ in moments]
        size = len(self._of)
        self._next = [*range(1, size), 0]
        self._before = [size - 1, *range(size - 1)]
        self._answer_of = [0] * len(history)
        for entry in range(1, size):
            if self._answers[entry]:
                self._answer_of[self._of[entry]] = entry
        self._left = sum(self._answers)
        self.best: list[tuple[int, ...]] = []

    def explains(self, first: State) -> bool:
        """Whether the model allows some order, starting from that state."""
        following, of = self._next, self._of
        state, done = first, 0
        seen: set[tuple[int, tuple[State, ...]]] = set()
        taken: list[tuple[int, State]] = []  # each entry, and the state before it
        longest = -1
        entry = following[0]
        while self._left:
            if entry and not self._answers[entry]:
                number = of[entry]
                after = self._step(state, self._operations[number])
                marked = (done | 1 << number, after)
                if not after or marked in seen:
                    entry = following[entry]
                    continue
                seen.add(marked)
                taken.append((entry, state))
                state, done = after[0], done | 1 << number
                self._lift(entry)
                entry = following[0]
                continue
            if len(taken) >= longest:
                if len(taken) > longest:
                    self.best, longest = [], len(taken)
                if len(self.best) < MOST_ENDS:
                    self.best.append(tuple(of[one] for one, _ in taken))
            if not taken:
                return False
            entry, state = taken.pop()
            done ^= 1 << of[entry]
            self._unlift(entry)
            entry = following[entry]
        return True

    def _lift(self, entry: int) -> None:
        self._out(entry)
        answer = self._answer_of[self._of[entry]]
        if answer:
            self._out(answer)
            self._left -= 1

    def _unlift(self, entry: int) -> None:
        answer = self._answer_of[self._of[entry]]
        if answer:
            self._back(answer)
            self._left += 1
        self._back(entry)

    def _out(self, entry: int) -> None:
        before, following = self._before[entry], self._next[entry]
        self._next[before] = following
        self._before[following] = before

    def _back(self, entry: int) -> None:
        self._next[self._before[entry]] = entry
        self._before[self._next[entry]] = entry


MOST_ENDS = 3
"""How many of the longest explanations are kept."""


def explain(key: Datum, history: History, model: Model) -> Violation:
    """The smallest part of a history of one object that is not linearizable.

    Strategy: bisection finds the first answer after which there is no explanation. Everything
    answered before the last moment at which no operation was under way is replaced by the states
    that the object may have been in then. Reads that the contradiction does not need are left out:
    they change nothing, so the rest is not linearizable by itself.
    """
    answers = sorted(one.completed for one in history if one.completed is not None)
    low, high = 0, len(answers) - 1
    while low < high:
        middle = (low + high) // 2
        if possible(until(history, answers[middle]), model, (model.first,)):
            low = middle + 1
        else:
            high = middle
    part = until(history, answers[low])
    held, states, part = _since_quiet(part, model)
    for operation in part:
        fewer = tuple(one for one in part if one is not operation)
        if operation.function in model.reads and not possible(fewer, model, states):
            part = fewer
    return Violation(key, part, held, states, _ends(part, model, states))


def until(history: History, moment: float) -> History:
    """The knowledge at a moment: what was not answered by then has an unknown outcome."""
    return tuple(
        one
        if one.completed is not None and one.completed <= moment
        else dataclasses.replace(one, completed=None, outcome="unknown", result=None)
        for one in history
        if one.invoked <= moment
    )


def _since_quiet(part: History, model: Model) -> tuple[float, tuple[State, ...], History]:
    """The part since no operation was under way, and the states before it."""
    states: tuple[State, ...] = (model.first,)
    held = min((one.invoked for one in part), default=0.0)
    for moment in quiet(part):
        before = tuple(one for one in part if one.invoked < moment)
        after = tuple(one for one in part if one.invoked >= moment)
        since = tuple(one for one in before if one.invoked >= held)
        reached = outcomes(since, model, states)
        if reached is None or possible(after, model, reached):
            break
        held, states, part = moment, reached, after
    return held, states, part


def quiet(history: History) -> list[float]:
    """The moments at which an operation was called while no other was under way."""
    found, latest = [], float("-inf")
    for operation in sorted(history, key=lambda one: one.invoked):
        if latest < operation.invoked and latest > float("-inf"):
            found.append(operation.invoked)
        ended = operation.completed
        latest = max(latest, float("inf") if ended is None else ended)
    return found


MOST_STATES = 64
"""How many states before a part are listed; if there are more, the part begins earlier."""

MOST_VISITS = 6400
"""The limit of the search for these states."""


def outcomes(history: History, model: Model, states: Sequence[State]) -> tuple[State, ...] | None:
    """All states after a history in which everything is answered; None if there are too many."""
    found: set[State] = set()
    visited: set[tuple[frozenset[int], State]] = set()
    work = [(frozenset[int](), state) for state in states]
    while work:
        done, state = work.pop()
        if (done, state) in visited:
            continue
        visited.add((done, state))
        if len(visited) > MOST_VISITS:
            return None
        left = [number for number in range(len(history)) if number not in done]
        if not left:
            found.add(state)
            continue
        first = min(_end(history[number]) for number in left)
        for number in left:
            if history[number].invoked <= first:
                work += [(done | {number}, after) for after in model.step(state, history[number])]
    return tuple(sorted(found, key=repr)) if 0 < len(found) <= MOST_STATES else None


def _end(operation: Operation) -> float:
    return float("inf") if operation.completed is None else operation.completed


def _ends(part: History, model: Model, states: Sequence[State]) -> tuple[Dead, ...]:
    """The longest explanations of a part, with what contradicts each."""
    ends: list[Dead] = []
    for first in states:
        search = _Search(part, model)
        search.explains(first)
        for order in search.best:
            state = first
            for number in order:
                state = model.step(state, part[number])[0]
            left = [one for number, one in enumerate(part) if number not in order]
            limit = min((_end(one) for one in left), default=0.0)
            refused = tuple(
                one for one in left if one.invoked <= limit and not model.step(state, one)
            )
            ends.append(Dead(tuple(part[number] for number in order), state, refused))
    longest = max((len(end.order) for end in ends), default=0)
    return tuple(end for end in ends if len(end.order) == longest)[:MOST_ENDS]
