"""Followed system calls: each with the line of a Python program that makes it."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from echolab.engines.lines import sitecustomize
from echolab.scenario.watched import Look, Opening, SeenCalls
from echolab.watch.calls import Calls, ShownCall, key

AT = "12    1700000001.000000100"


def taken(*texts: str) -> tuple[ShownCall, ...]:
    """The calls of one program, told look by look."""
    calls = Calls(Opening(0, 1_700_000_000_000_000_000, ("a",), ()))
    for text in texts:
        calls.take(Look(0.0, (), (), {}, (), (), (SeenCalls("a", 0, text),), ()))
    return calls.all()


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40)


@given(st.integers(1, 99_999), NAMES)
def test_a_name_of_the_root_spells_a_line(line: int, file: str) -> None:
    name = sitecustomize.spelled(line, f"/somewhere/lab/{file}")
    assert sitecustomize.read(name) == (line, f"lab/{file}")
    assert set(name) == {"/", "."} and len(name) < 4096
    assert os.access(name, os.R_OK)


def test_other_files_that_are_looked_for_spell_nothing() -> None:
    for name in ("/", "/etc/ld.so.preload", "./", "/./", "/../../../..", "/.//.//.//./"):
        assert sitecustomize.read(name) is None


def test_a_call_has_the_line_that_was_told_last_and_files_looked_for_are_no_calls() -> None:
    place = sitecustomize.spelled(12, "/lab/submission/main.py")
    (call,) = taken(
        f'{AT} access("/etc/ld.so.preload", R_OK) = -1 ENOENT (No such file) <0.000001000>\n'
        f'{AT} access("{place}", R_OK) = 0 <0.000000000>\n'
        f'{AT} recvfrom(3, "hi", 64, 0, NULL, NULL) = 2 <0.000000000>\n'
    )
    assert (call.text, call.line, call.file) == ("recv(3)", 12, "submission/main.py")


def test_calls_of_one_moment_are_told_apart_however_their_lines_come() -> None:
    first = f"{AT} listen(5, 5) = 0 <0.000000000>\n"
    second = f"{AT} accept4(5,  <unfinished ...>\n"
    end = "12    1700000002.000000000 <... accept4 resumed>NULL, NULL, SOCK_CLOEXEC) = 6 <0.9>\n"
    whole = taken(first + second + end)
    assert [(call.text, call.result) for call in whole] == [
        ("listen(5, 5)", "0"),
        ("accept(5)", "6"),
    ]
    assert len({key(call) for call in whole}) == 2
    text = first + second + end
    assert all(taken(text[:place], text[place:]) == whole for place in range(len(text)))
