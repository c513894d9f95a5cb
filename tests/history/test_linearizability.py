"""Linearizability: known answers, a brute-force checker that agrees, and smallest parts."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.history import linearizability, models
from echolab.history.linearizability import check, outcomes, possible
from echolab.history.models import Model, State
from echolab.history.values import Datum, History, Operation

REGISTER = models.find("cas-register")


def operation(
    process: str,
    function: str,
    begun: float,
    ended: float | None,
    argument: Datum = None,
    result: Datum = None,
    key: Datum = None,
) -> Operation:
    outcome = "unknown" if ended is None else "ok"
    return Operation(
        process,
        function,
        argument,
        result,
        begun,
        ended,
        "unknown" if outcome == "unknown" else "ok",
        key,
    )


def write(process: str, value: Datum, begun: float, ended: float | None) -> Operation:
    return operation(process, "write", begun, ended, value)


def read(process: str, value: Datum, begun: float, ended: float | None) -> Operation:
    return operation(process, "read", begun, ended, None, value)


def brute(history: History, model: Model) -> bool:
    """Whether any order of any choice of what is unknown explains a history: by trying all."""
    known = [one for one in history if one.completed is not None]
    unknown = [one for one in history if one.completed is None]
    for size in range(len(unknown) + 1):
        for chosen in itertools.combinations(unknown, size):
            for order in itertools.permutations([*known, *chosen]):
                if in_time(order) and follows(order, model):
                    return True
    return False


def in_time(order: tuple[Operation, ...]) -> bool:
    return not any(
        later.completed is not None and later.completed < earlier.invoked
        for earlier, later in itertools.combinations(order, 2)
    )


def follows(order: tuple[Operation, ...], model: Model) -> bool:
    state: State = model.first
    for one in order:
        after = model.step(state, one)
        if not after:
            return False
        state = after[0]
    return True


def drawn(seed: int, name: str) -> History:
    """A small history of a model: some right by construction, some with a wrong result."""
    chance = random.Random(seed)
    made = []
    for number in range(chance.randint(1, 5)):
        begun = chance.uniform(0, 10)
        ended = begun + chance.uniform(0.1, 6) if chance.random() < 0.8 else None
        value, other = chance.randint(0, 2), chance.randint(0, 2)
        some: Datum = chance.choice([None, 0, 1, 2])
        kinds: dict[str, list[tuple[str, Datum, Datum]]] = {
            "cas-register": [
                ("read", None, some),
                ("write", value, None),
                ("cas", (value, other), None),
            ],
            "counter": [("read", None, value), ("add", other, None)],
            "set": [
                ("read", None, tuple(range(value))),
                ("add", other, None),
                ("remove", other, None),
            ],
            "queue": [("enqueue", value, None), ("dequeue", None, some)],
            "stack": [("push", value, None), ("pop", None, some)],
            "log": [("append", value, other), ("read", other, some)],
            "lock": [("acquire", None, value), ("release", None, None)],
            "kv": [
                ("get", None, chance.choice(["", "a", "b", "ab"])),
                ("put", chance.choice("ab"), None),
                ("append", chance.choice("ab"), None),
            ],
        }
        kinds["register"] = kinds["cas-register"]
        function, argument, result = chance.choice(kinds[name])
        process = str(chance.randint(0, 1)) if name == "lock" else str(number)
        made.append(operation(process, function, begun, ended, argument, result))
    return tuple(made)


@pytest.mark.parametrize("name", models.MODELS)
def test_small_histories_are_judged_as_by_trying_all_orders(name: str) -> None:
    """Five hundred histories of each model, and both answers among them."""
    model = models.find(name)
    answers = []
    for seed in range(500):
        history = drawn(seed, name)
        answers.append(brute(history, model))
        assert check(history, model).linearizable == answers[-1], history
    assert {True, False} == set(answers)


@given(st.integers(0, 2**32), st.sampled_from(sorted(models.MODELS)))
@settings(max_examples=300, deadline=None)
def test_any_small_history_is_judged_as_by_trying_all_orders(seed: int, name: str) -> None:
    history = drawn(seed, name)
    assert check(history, models.find(name)).linearizable == brute(history, models.find(name))


@given(st.integers(0, 2**32), st.sampled_from(sorted(models.MODELS)))
@settings(max_examples=300, deadline=None)
def test_the_part_that_is_shown_cannot_be_explained_by_itself(seed: int, name: str) -> None:
    model = models.find(name)
    history = drawn(seed, name)
    for violation in check(history, model).violations:
        assert len(violation.part) <= len(history)
        assert not possible(violation.part, model, violation.states)
        for end in violation.ends:
            assert set(end.order) <= set(violation.part)


def test_a_stale_read_is_the_smallest_part_with_the_state_before_it() -> None:
    history = (
        write("a", 1, 0, 1),
        read("b", 1, 2, 3),
        write("a", 2, 4, 5),
        read("b", 2, 6, 7),
        read("c", 1, 8, 9),
        read("b", 2, 10, 11),
    )
    (violation,) = check(history, REGISTER).violations
    assert violation.part == (read("c", 1, 8, 9),)
    assert violation.states == (2,)
    assert violation.held == 8
    assert violation.ends[0].refused == (read("c", 1, 8, 9),)


def test_an_operation_without_an_answer_may_come_late_or_never() -> None:
    lost = write("a", 1, 0, None)
    assert check((lost, read("b", None, 1, 2), read("b", 1, 3, 4)), REGISTER).linearizable
    assert check((lost, read("b", None, 1, 2), read("b", None, 3, 4)), REGISTER).linearizable
    back = (lost, read("b", 1, 1, 2), read("b", None, 3, 4))
    assert not check(back, REGISTER).linearizable


def test_a_compare_and_set_that_failed_tells_of_the_value() -> None:
    failed = Operation("b", "cas", (1, 2), None, 2, 3, "fail")
    assert check((write("a", 5, 0, 1), failed), REGISTER).linearizable
    assert not check((write("a", 1, 0, 1), failed), REGISTER).linearizable


def test_keys_are_objects_of_their_own() -> None:
    kv = models.find("kv")
    history = (
        operation("a", "put", 0, 1, "x", None, "k"),
        operation("b", "get", 2, 3, None, "", "l"),
        operation("b", "get", 4, 5, None, "x", "k"),
    )
    assert check(history, kv).keys == 2 and check(history, kv).linearizable
    stale = (*history, operation("c", "get", 6, 7, None, "", "k"))
    (violation,) = check(stale, kv).violations
    assert violation.key == "k"


def test_what_an_object_cannot_do_is_refused() -> None:
    with pytest.raises(BadInput, match="no operation 'push'"):
        check((operation("a", "push", 0, 1, 1),), REGISTER)
    with pytest.raises(BadInput, match="no model 'heap'"):
        models.find("heap")


def test_all_states_after_writes_at_the_same_time_are_found() -> None:
    both = (write("a", 1, 0, 3), write("b", 2, 1, 4))
    assert outcomes(both, REGISTER, (None,)) == (1, 2)


def test_a_history_of_ten_thousand_operations_on_a_hundred_keys_is_judged() -> None:
    chance = random.Random(1)
    held = dict.fromkeys(range(100), "")
    made = []
    for number in range(10_000):
        key = chance.randrange(100)
        if chance.random() < 0.5:
            made.append(operation("a", "get", number, number + 0.5, None, held[key], key))
        else:
            held[key] = str(number)
            made.append(operation("b", "put", number, number + 0.5, held[key], None, key))
    assert check(tuple(made), models.find("kv")).linearizable
    made[-1] = operation("a", "get", 9999, 9999.5, None, "other", 7)
    assert not linearizability.check(tuple(made), models.find("kv")).linearizable


def test_of_a_register_a_compare_and_set_that_failed_tells_nothing() -> None:
    failed = Operation("b", "cas", (1, 2), None, 2, 3, "fail")
    assert check((write("a", 1, 0, 1), failed), models.find("register")).linearizable
    stale = read("b", 2, 4, 5)
    assert not check((write("a", 1, 0, 1), failed, stale), models.find("register")).linearizable
