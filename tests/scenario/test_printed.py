"""What a script prints is kept, goes along with an error, and does not reach standard output."""

from __future__ import annotations

import sys

import pytest

from echolab.errors import BadInput
from echolab.scenario.printed import CUT, MOST, Printed


def test_what_is_printed_is_kept_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with Printed(errors=True) as printed:
        print("one")
        print("two", file=sys.stderr)
    print("three")
    assert printed.text() == "one\ntwo\n"
    assert capsys.readouterr().out == "three\n"


def test_standard_error_is_left_alone_where_others_use_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Printed(errors=False) as printed:
        print("two", file=sys.stderr)
    assert (printed.text(), capsys.readouterr().err) == ("", "two\n")


def test_an_error_takes_along_what_was_printed() -> None:
    with pytest.raises(BadInput) as caught, Printed(errors=False):
        print("before")
        raise BadInput("wrong")
    assert caught.value.printed == "before\n"


def test_of_a_flood_the_beginning_is_kept() -> None:
    with Printed(errors=False) as printed:
        for _ in range(3):
            print("x" * (MOST // 2))
    assert printed.text() == "x" * (MOST // 2) + "\n" + "x" * (MOST // 2 - 1) + CUT
