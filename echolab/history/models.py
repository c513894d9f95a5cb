"""Models: what an object would answer that one client at a time uses.

A model is an initial state, and a step from a state and an operation to the next state, or to
None if the operation cannot have had its result in that state. States can be compared and be
members of sets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from typing import TypeAlias

from echolab.errors import BadInput
from echolab.history.values import Datum, Operation, shown

State: TypeAlias = Hashable
Step: TypeAlias = Callable[[State, Operation], "tuple[State, ...]"]


@dataclasses.dataclass(frozen=True)
class Model:
    """An object's behaviour: its functions, its initial state, and its step.

    `step` returns the next state in a tuple, which is empty if the operation contradicts the state.
    `reads` are the functions that change nothing; `refusals` are those that fail because of the
    state, so that a failure reveals something about it.
    """

    name: str
    first: State
    step: Step
    functions: frozenset[str]
    reads: frozenset[str]
    refusals: frozenset[str]

    def tells(self, operation: Operation) -> bool:
        """Whether an operation says anything about the object: an ordinary failure does not."""
        return operation.outcome != "fail" or operation.function in self.refusals

    def check(self, operation: Operation) -> None:
        """Raises BadInput for an operation that the object lacks."""
        if operation.function not in self.functions:
            raise BadInput(
                f"a {self.name} has no operation '{operation.function}'",
                f"it has: {', '.join(sorted(self.functions))}",
            )

    def shown(self, state: State) -> str:
        """A state in words."""
        if isinstance(state, frozenset):
            return f"{{{', '.join(sorted(map(shown, state)))}}}"
        if state is None or isinstance(state, (bool, int, float, str, tuple)):
            return shown(state)
        return str(state)


def _told(operation: Operation) -> bool:
    return operation.outcome != "unknown"


def _register(state: State, operation: Operation) -> tuple[State, ...]:
    """read → value; write value; cas [expected, new], which fails if the value differs."""
    if operation.function == "read":
        return (state,) if not _told(operation) or operation.result == state else ()
    if operation.function == "write":
        return (operation.argument,)
    if not isinstance(operation.argument, tuple) or len(operation.argument) != 2:
        if operation.outcome == "unknown":
            return (state,)
        raise BadInput(
            f"cas takes a list of the expected and the new value, not {shown(operation.argument)}",
            "fix the history",
        )
    expected, new = operation.argument
    met = state == expected
    if operation.outcome == "ok":
        return (new,) if met else ()
    if operation.outcome == "fail":
        return () if met else (state,)
    return (new,) if met else (state,)


def _key_value(state: State, operation: Operation) -> tuple[State, ...]:
    """get → text; put text; append text: at first a key holds an empty text."""
    if operation.function == "get":
        held = operation.result if operation.result is not None else ""
        return (state,) if not _told(operation) or held == state else ()
    if operation.function == "put":
        return (operation.argument,)
    return (f"{state}{operation.argument}",)


def _counter(state: State, operation: Operation) -> tuple[State, ...]:
    """add number; read → number."""
    if operation.function == "read":
        return (state,) if not _told(operation) or operation.result == state else ()
    amount = operation.argument if isinstance(operation.argument, (int, float)) else 1
    assert isinstance(state, (int, float))
    return (state + amount,)


def _set(state: State, operation: Operation) -> tuple[State, ...]:
    """add element; remove element; read → list of the elements, in any order."""
    assert isinstance(state, frozenset)
    if operation.function == "read":
        held = operation.result if isinstance(operation.result, tuple) else ()
        alike = frozenset(held) == state and len(held) == len(state)
        return (state,) if not _told(operation) or alike else ()
    if operation.function == "remove":
        return (state - {operation.argument},)
    return (state | {operation.argument},)


def _taking(end: int) -> Step:
    """put and take, from one end or the other; taking from an empty one gives null."""

    def step(state: State, operation: Operation) -> tuple[State, ...]:
        assert isinstance(state, tuple)
        if operation.function in ("enqueue", "push"):
            return ((*state, operation.argument),)
        taken: Datum = state[end] if state else None
        left = state[1:] if end == 0 else state[:-1]
        return (left,) if not _told(operation) or operation.result == taken else ()

    return step


def _lock(state: State, operation: Operation) -> tuple[State, ...]:
    """acquire → fencing token, greater than each before; release. The state: holder, last token."""
    assert isinstance(state, tuple)
    holder, last = state
    if operation.function == "release":
        if operation.outcome == "fail":
            return () if holder == operation.process else (state,)
        if holder != operation.process:
            return (state,) if operation.outcome == "unknown" else ()
        return ((None, last),)
    if operation.outcome == "fail":
        return (state,) if holder is not None else ()
    if operation.outcome == "unknown":
        return ((operation.process, last),) if holder is None else (state,)
    token = operation.result
    if holder is not None:
        return ()
    if isinstance(token, (int, float)) and not isinstance(token, bool):
        return ((operation.process, token),) if last is None or token > last else ()
    return ((operation.process, last),)


def _log(state: State, operation: Operation) -> tuple[State, ...]:
    """append entry → its place, from 0; read place → entry, null beyond the end."""
    assert isinstance(state, tuple)
    if operation.function == "append":
        if _told(operation) and operation.result is not None and operation.result != len(state):
            return ()
        return ((*state, operation.argument),)
    at = operation.argument
    held = state[at] if isinstance(at, int) and 0 <= at < len(state) else None
    return (state,) if not _told(operation) or operation.result == held else ()


def _model(
    name: str, functions: str, first: State, step: Step, reads: str = "", refusals: str = ""
) -> Model:
    names = (frozenset(words.split()) for words in (functions, reads, refusals))
    return Model(name, first, step, *names)


MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        _model("cas-register", "read write cas", None, _register, "read", "cas"),
        _model("register", "read write cas", None, _register, "read"),
        _model("kv", "get put append", "", _key_value, "get"),
        _model("counter", "add read", 0, _counter, "read"),
        _model("set", "add remove read", frozenset(), _set, "read"),
        _model("queue", "enqueue dequeue", (), _taking(0)),
        _model("stack", "push pop", (), _taking(-1)),
        _model("lock", "acquire release", (None, None), _lock, "", "acquire release"),
        _model("log", "append read", (), _log, "read"),
    )
}


def find(name: str) -> Model:
    """The model of that name. Raises BadInput for an unknown one."""
    if name not in MODELS:
        raise BadInput(f"there is no model '{name}'", f"there are {', '.join(MODELS)}")
    return MODELS[name]
