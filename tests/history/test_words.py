"""The words a history can be held to: known answers, and checkers that try everything."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.history import models, sessions, words
from echolab.history.models import Model, State
from echolab.history.values import Datum, History, Operation

REGISTER = models.find("cas-register")
KV = models.find("kv")


def done(
    process: str,
    function: str,
    argument: Datum = None,
    result: Datum = None,
    at: float = 0.0,
    *,
    key: Datum = None,
) -> Operation:
    return Operation(process, function, argument, result, at, at + 0.5, key=key)


def lost(process: str, function: str, argument: Datum = None, at: float = 0.0) -> Operation:
    return Operation(process, function, argument, None, at, None, "unknown")


def holds(word: str, model: str, history: History, settled: float = 100.0) -> bool | None:
    return words.check(word, models.find(model), history, settled).holds


# --- sequential consistency


def some_history(seed: int, most: int) -> History:
    """A short history of a register; each process asks one thing after the other."""
    chance = random.Random(seed)
    found = []
    for number in range(chance.randint(1, most)):
        process = chance.choice("ab")
        at, value = float(number), chance.randint(1, 2)
        kind = chance.choice(("read", "write", "unknown"))
        if kind == "read":
            found.append(done(process, "read", None, chance.choice((None, 1, 2)), at))
        elif kind == "write":
            found.append(done(process, "write", value, None, at))
        else:
            found.append(lost(process, "write", value, at))
    return tuple(found)


def brute_sequential(history: History) -> bool:
    """Whether any order of any choice of what is unknown has each process's own: all are tried."""
    known = [one for one in history if one.outcome == "ok"]
    unknown = [one for one in history if one.outcome != "ok"]
    for size in range(len(unknown) + 1):
        for chosen in itertools.combinations(unknown, size):
            for order in itertools.permutations([*known, *chosen]):
                if _in_order(order) and _follows(order, REGISTER):
                    return True
    return False


def _in_order(order: History) -> bool:
    """What was asked before by the same process, and is known, comes before."""
    return not any(
        later.process == one.process and later.invoked < one.invoked and later.outcome == "ok"
        for place, one in enumerate(order)
        for later in order[place + 1 :]
    )


def _follows(order: History, model: Model) -> bool:
    state: State = model.first
    for one in order:
        after = model.step(state, one)
        if not after:
            return False
        state = after[0]
    return True


@settings(max_examples=1500)
@given(st.integers(0, 2**32))
def test_sequential_agrees_with_trying_every_order(seed: int) -> None:
    history = some_history(seed, 6)
    assert holds("sequential", "cas-register", history) == brute_sequential(history)


def test_a_stale_read_of_another_process_is_sequential_but_not_linearizable() -> None:
    history = (done("a", "write", 1, at=0), done("b", "read", None, None, at=1))
    assert holds("sequential", "cas-register", history) is True
    assert holds("linearizable", "cas-register", history) is False


def test_sequential_is_of_all_keys_together() -> None:
    """Each key alone can be explained; the two together cannot (Herlihy and Wing, 1990)."""
    history = (
        done("a", "write", 1, at=0, key="x"),
        done("b", "write", 1, at=0, key="y"),
        done("a", "read", None, None, at=1, key="y"),
        done("b", "read", None, None, at=1, key="x"),
    )
    assert holds("sequential", "cas-register", history) is False
    assert holds("sequential", "cas-register", history[:3]) is True


# --- the session guarantees


def some_sessions(seed: int) -> History:
    """A short history of a register in which each value is written once."""
    chance = random.Random(seed)
    values = chance.randint(1, 3)
    found = [
        (chance.random(), done(chance.choice("ab"), "write", value, at=0.0))
        for value in range(1, values + 1)
    ]
    for _ in range(chance.randint(1, 5)):
        value = chance.choice((None, *range(1, values + 1)))
        found.append((chance.random(), done(chance.choice("abc"), "read", None, value, at=0.0)))
    found.sort(key=lambda pair: pair[0])
    return tuple(
        Operation(one.process, one.function, one.argument, one.result, float(at), at + 0.5)
        for at, (_, one) in enumerate(found)
    )


def arrows(word: str, history: History) -> list[tuple[Datum, Datum]]:
    first, second = {
        "monotonic reads": ("read", "read"),
        "read your writes": ("write", "read"),
        "monotonic writes": ("write", "write"),
        "writes follow reads": ("read", "write"),
    }[word]
    value = {"read": lambda one: one.result, "write": lambda one: one.argument}
    return [
        (value[first](one), value[second](other))
        for one, other in itertools.combinations(history, 2)
        if one.process == other.process and (one.function, other.function) == (first, second)
    ]


def orders(history: History) -> list[tuple[Datum, ...]]:
    """Every order in which the versions may have come, with nothing first."""
    written = [one.argument for one in history if one.function == "write"]
    return [(None, *order) for order in itertools.permutations(written)]


def fits(order: tuple[Datum, ...], found: list[tuple[Datum, Datum]]) -> bool:
    return all(order.index(one) <= order.index(other) for one, other in found)


@settings(max_examples=1500)
@given(st.integers(0, 2**32), st.sampled_from(sessions.GUARANTEES))
def test_a_guarantee_agrees_with_trying_every_order_of_the_versions(seed: int, word: str) -> None:
    history = some_sessions(seed)
    own = arrows(word, history)
    reads = arrows("monotonic reads", history)
    if word in ("monotonic writes", "writes follow reads"):
        if not any(fits(order, reads) for order in orders(history)):
            return  # what was read has no order at all: then it tells nothing of what was written
        own = own + reads
    expected = any(fits(order, own) for order in orders(history))
    assert holds(word, "cas-register", history) == expected


def test_a_guarantee_needs_values_that_are_written_once() -> None:
    twice = (done("a", "write", 1), done("b", "write", 1, at=1))
    with pytest.raises(BadInput, match="written twice"):
        holds("monotonic reads", "cas-register", twice)
    with pytest.raises(BadInput, match="cannot be held to"):
        holds("monotonic reads", "counter", ())


# --- what is there in the end


def test_all_agree_where_the_final_reads_say_the_same() -> None:
    early = done("a", "read", None, 1, at=1)
    same = (done("a", "read", None, 3, at=11), done("b", "read", None, 3, at=12))
    assert holds("agreement", "counter", (early, *same), settled=10) is True
    assert holds("agreement", "counter", (early, *same), settled=0) is False
    assert holds("agreement", "counter", (early,), settled=10) is None


def test_sets_agree_in_any_order() -> None:
    reads = (done("a", "read", None, (1, 2), at=1), done("b", "read", None, (2, 1), at=2))
    assert holds("agreement", "set", reads, settled=0) is True


@pytest.mark.parametrize(
    ("model", "history", "expected"),
    [
        ("set", (done("a", "add", 1), done("b", "read", None, (1,), at=20)), True),
        ("set", (done("a", "add", 1), done("b", "read", None, (), at=20)), False),
        ("set", (lost("a", "add", 1), done("b", "read", None, (), at=20)), True),
        ("set", (done("a", "add", 1), done("a", "remove", 1), done("b", "read", at=20)), True),
        ("counter", (done("a", "add", 2), done("b", "read", None, 2, at=20)), True),
        ("counter", (done("a", "add", 2), done("b", "read", None, 1, at=20)), False),
        ("counter", (done("a", "add", 2), done("b", "read", None, 1, at=5)), None),
        ("kv", (done("a", "append", "x"), done("b", "get", None, "x", at=20)), True),
        ("kv", (done("a", "append", "x"), done("b", "get", None, "y", at=20)), False),
        ("log", (done("a", "append", "x", 0), done("b", "read", 0, "x", at=20)), True),
        ("log", (done("a", "append", "x", 0), done("b", "read", 0, None, at=20)), False),
        ("cas-register", (done("a", "write", 1), done("b", "read", None, 1, at=20)), True),
        ("cas-register", (done("a", "write", 1), done("b", "read", None, None, at=20)), False),
        (
            "cas-register",
            (done("a", "write", 1), done("a", "write", 2, at=1), done("b", "read", None, 1, at=20)),
            False,
        ),
        ("queue", (done("a", "enqueue", 1), done("b", "dequeue", None, 1, at=20)), None),
        ("queue", (done("a", "enqueue", 1), done("b", "dequeue", None, None, at=20)), False),
    ],
)
def test_what_was_acknowledged_must_be_there(
    model: str, history: History, expected: bool | None
) -> None:
    assert holds("nothing lost", model, history, settled=10) is expected


@pytest.mark.parametrize(
    ("model", "history", "expected"),
    [
        ("counter", (done("a", "add", 2), done("b", "read", None, 2, at=20)), True),
        ("counter", (done("a", "add", 2), done("b", "read", None, 4, at=20)), False),
        ("kv", (done("a", "append", "x"), done("b", "get", None, "xx", at=20)), False),
        ("kv", (lost("a", "append", "x"), done("b", "get", None, "x", at=20)), True),
        (
            "queue",
            (
                done("a", "enqueue", 1),
                done("b", "dequeue", None, 1, at=1),
                done("c", "dequeue", None, 1, at=2),
            ),
            False,
        ),
        (
            "log",
            (
                done("a", "append", "x", 0),
                done("b", "read", 0, "x", at=1),
                done("b", "read", 1, "x", at=2),
            ),
            False,
        ),
    ],
)
def test_nothing_is_there_more_often_than_it_was_asked_for(
    model: str, history: History, expected: bool
) -> None:
    assert holds("at most once", model, history) is expected


def test_exactly_once_is_both() -> None:
    add, read = done("a", "add", 2), done("b", "read", None, 2, at=20)
    assert holds("exactly once", "counter", (add, read), settled=10) is True
    for wrong in (1, 3):
        other = done("b", "read", None, wrong, at=20)
        assert holds("exactly once", "counter", (add, other), settled=10) is False


def test_an_unknown_word_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no history is 'perfect'"):
        holds("perfect", "kv", ())
