"""Durations, sizes, numbers and commands as a Compose file writes them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.compose import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("1s", 1.0),
        ("1m30s", 90.0),
        ("2h3m4s5ms6us7ns", 7384.005006007),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("100µs", 1e-4),
        ("1d", 86400.0),
        ("+1s", 1.0),
    ],
)
def test_a_duration_is_go_s(text: str, seconds: float) -> None:
    assert units.seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (1024, 1024),
        ("64m", 67108864),
        ("64M", 67108864),
        ("64mb", 67108864),
        ("64MiB", 67108864),
        ("1.5g", 1610612736),
        ("2 k", 2048),
        ("7b", 7),
        (2.0, 2),
    ],
)
def test_a_size_counts_in_units_of_1024(text: Any, size: int) -> None:
    assert units.size(text) == size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.10, "1.1"),
        (1.0, "1"),
        (1e6, "1e+06"),
        (123456.0, "123456"),
        (1234567.5, "1.2345675e+06"),
        (0.00001, "1e-05"),
        (0.0001, "0.0001"),
        (-1.5e-7, "-1.5e-07"),
        (float("inf"), "+Inf"),
        (493, "493"),
        ("x", "x"),
    ],
)
def test_a_scalar_becomes_text_as_go_prints_it(value: Any, text: str) -> None:
    assert units.text(value) == text


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (units.seconds, "10"),
        (units.seconds, ""),
        (units.seconds, "1 s"),
        (units.seconds, "-1s"),
        (units.seconds, "s"),
        (units.size, "x"),
        (units.size, "-1"),
        (units.size, "1t1"),
        (units.whole, "1.5"),
        (units.whole, True),
        (units.whole, "x"),
        (units.whole, -1),
        (units.whole, 10**30),
        (units.number, "x"),
        (units.number, "nan"),
        (units.number, True),
        (units.truth, "maybe"),
        (units.truth, 2),
    ],
)
def test_what_is_none_of_them_is_not_valid(read: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(units.NotValid):
        read(value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b  c", ["a", "b", "c"]),
        ("", []),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("a''b \"\"", ["ab", ""]),
        (r"a\ b", ["a b"]),
        (r'"a\"b"', ['a"b']),
        (r"'a\b'", [r"a\b"]),
        (r"a\tb", ["a\tb"]),
        ("a # b", ["a", "#", "b"]),
        ("sh -c 'x && y > z'", ["sh", "-c", "x && y > z"]),
        ("a\nb\n", ["a", "b"]),
        ("$HOME ~ *", ["$HOME", "~", "*"]),
    ],
)
def test_a_command_is_split_as_compose_splits_it(line: str, words: list[str]) -> None:
    assert units.words(line) == words


@pytest.mark.parametrize(
    "line", ["a && b", "a | b", "a;b", "a > b", "f(x)", "a `b`", "a 'b", "a\\"]
)
def test_a_command_that_wants_a_shell_is_not_cut_but_refused(line: str) -> None:
    with pytest.raises(units.NotValid):
        units.words(line)


@given(st.lists(st.text("ab '\"$#-", max_size=5), max_size=5))
def test_words_that_were_quoted_come_back(words: list[str]) -> None:
    assert units.words(shlex.join(words)) == words
