"""Loops of a script that never end: the loop is named, and others are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.errors import ScriptError
from echolab.scenario import rounds
from echolab.scenario.script import load


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rounds, "MOST", 100_000)
    yield


def end_of(path: Path, text: str) -> ScriptError:
    path.write_text(text)
    with pytest.raises(ScriptError) as caught:
        load(path)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("x = 0\nwhile True:\n    x += 1\n", 2, "while True:"),
        ("import itertools\nfor n in itertools.count():\n    pass\n", 2, "for n in"),
        ("def f():\n    while 1: pass\n\nf()\n", 2, "while 1: pass"),
        ("while True:\n    for n in range(3):\n        pass\n", 0, ""),
    ],
)
def test_a_loop_that_never_ends_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, shown: str
) -> None:
    error = end_of(tmp_path / "mine.py", text)
    assert f"mine.py:{line or ''}" in error.message
    assert "went round 100,000 times" in error.message and shown in error.message
    assert "lab.sleep" in error.remedy


def test_an_exception_of_the_scripts_own_is_told_as_it_is(tmp_path: Path) -> None:
    error = end_of(tmp_path / "mine.py", "for n in range(3):\n    next(iter([]))\n")
    assert "StopIteration" in error.message and "went round" not in error.message


def test_loops_that_end_are_as_before(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "from echolab import Lab, scenario\n"
        "found = [n for n in range(5)]\n"
        "for n in range(3):\n    found.append(n)\nelse:\n    found.append(-1)\n"
        "while len(found) < 12: found.append(0)\n"
        "assert found == [0, 1, 2, 3, 4, 0, 1, 2, -1, 0, 0, 0]\n"
        "@scenario\ndef mine(lab: Lab) -> None: ...\n"
    )
    assert load(script)[0].name == "mine"


@given(st.integers(0, 5), st.integers(0, 5))
def test_a_loops_rounds_are_what_they_were(outer: int, inner: int) -> None:
    source = (
        "seen = []\n"
        f"for a in range({outer}):\n"
        f"    for b in range({inner}):\n"
        "        if b == 3: break\n"
        "        seen.append((a, b))\n"
    )
    plain: dict[str, object] = {}
    counted: dict[str, object] = {rounds.NAME: rounds.counter()}
    exec(source, plain)  # the same text, without the count
    exec(rounds.code(source.encode(), "mine.py"), counted)
    assert plain["seen"] == counted["seen"]
