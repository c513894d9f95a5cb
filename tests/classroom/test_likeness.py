"""Submissions that are the same are pointed out: to the byte, or but for their format."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.classroom import exercise, likeness
from echolab.classroom.likeness import Fingerprint, fingerprint, remarks, without_format

PYTHON = "import sys\n\nfor x in (1, 2):\n    print(x)  # each\n"
OTHER_PYTHON = "import sys # the system\nfor x in ( 1,2 ):\n  print( x )\n\n\n"

C = 'int main(void)\n{\n    puts("a // b");  /* say */\n}\n'
OTHER_C = '// mine\nint main( void ) {\n\tputs("a // b");\n}'


@pytest.mark.parametrize(
    ("suffix", "one", "other"), [(".py", PYTHON, OTHER_PYTHON), (".c", C, OTHER_C)]
)
def test_format_and_comments_make_no_difference(suffix: str, one: str, other: str) -> None:
    assert without_format(one, suffix) == without_format(other, suffix)


@pytest.mark.parametrize(
    ("suffix", "one", "other"),
    [
        (".py", "if x:\n    a()\nb()\n", "if x:\n    a()\n    b()\n"),
        (".py", "print('a b')\n", "print('ab')\n"),
        (".c", 'puts("a b");', 'puts("ab");'),
        (".c", 'puts("// x");', 'puts("");'),
    ],
)
def test_meaning_makes_a_difference(suffix: str, one: str, other: str) -> None:
    assert without_format(one, suffix) != without_format(other, suffix)


@given(st.text(max_size=80))
def test_any_text_has_a_form_without_format(text: str) -> None:
    for suffix in (".py", ".c", ".txt"):
        without_format(text, suffix)


def handed_in(folder: Path, name: str, text: str, file: str = "main.py") -> Fingerprint:
    path = folder / name / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return fingerprint(folder / name)


def test_each_is_told_of_all_others_that_are_the_same(tmp_path: Path) -> None:
    prints = {
        "ada": handed_in(tmp_path, "ada", PYTHON),
        "bob": handed_in(tmp_path, "bob", PYTHON, "other_name.py"),
        "cleo": handed_in(tmp_path, "cleo", OTHER_PYTHON),
        "dan": handed_in(tmp_path, "dan", "print(1)\n"),
    }
    assert remarks(prints, {}) == {
        "ada": "the same bytes as bob; the same as cleo but for its format",
        "bob": "the same bytes as ada; the same as cleo but for its format",
        "cleo": "the same as ada, bob but for its format",
    }


def test_empty_submissions_are_not_called_the_same(tmp_path: Path) -> None:
    prints = {name: handed_in(tmp_path, name, "\n") for name in ("ada", "bob")}
    assert remarks(prints, {}) == {}


def test_an_unchanged_starter_is_told_as_such() -> None:
    folder = exercise.find("1").folder
    prints = {"ada": fingerprint(folder / "starter-c"), "bob": fingerprint(folder / "starter-c")}
    told = remarks(prints, likeness.starters(folder))
    assert told == dict.fromkeys(prints, "the same as starter-c, as it was handed out")


def test_predictions_do_not_count_but_are_part_of_the_whole(tmp_path: Path) -> None:
    before = handed_in(tmp_path, "ada", PYTHON)
    (tmp_path / "ada/predictions.txt").write_text("trips: 2\n")
    after = fingerprint(tmp_path / "ada")
    assert (before.exact, before.meaning) == (after.exact, after.meaning)
    assert before.whole != after.whole
