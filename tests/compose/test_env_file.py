"""Files of environment variables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.compose.env_file import parse, parse_raw
from echolab.errors import BadInput

OUTER = {"OUTER": "outer", "BOTH": "outer wins"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("A=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A = spaced out  ", {"A": "spaced out"}),
        ("A: yaml", {"A": "yaml"}),
        ("export A=1", {"A": "1"}),
        ("# comment\n\n  # another\nA=1", {"A": "1"}),
        ("A=1 # comment", {"A": "1"}),
        ("A=1#none", {"A": "1#none"}),
        ("A=#all comment", {"A": ""}),
        ("A=", {"A": ""}),
        ("A=''", {"A": ""}),
        ("A='$OUTER \\n'", {"A": "$OUTER \\n"}),
        ('A="$OUTER \\n\\t\\$x" # c', {"A": "outer \n\t$x"}),
        ('A="two\nlines"\nB=1', {"A": "two\nlines", "B": "1"}),
        ("A=$OUTER-${NONE:-x}", {"A": "outer-x"}),
        ("A=1\nB=${A}2", {"A": "1", "B": "12"}),
        ("BOTH=inner\nB=$BOTH", {"BOTH": "inner", "B": "outer wins"}),
        ("OUTER", {"OUTER": "outer"}),
        ("NONE", {"NONE": None}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=a=b", {"A": "a=b"}),
        ("A.b-c=1", {"A.b-c": "1"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ('A="say \\"hi\\" \\\\"', {"A": 'say "hi" \\'}),
    ],
)
def test_a_line_means_what_compose_makes_of_it(text: str, meant: dict[str, str | None]) -> None:
    assert parse(text.encode(), ".env", OUTER.get) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=1\n=2", ".env:2: '=2' is not NAME=VALUE"),
        ("A=1\n\nB='x", ".env:3: B: no closing '"),
        ("two words=1", ".env:1: 'two words=1' is not NAME=VALUE"),
        ("A=${NONE:?set me}", ".env:1: A: the variable NONE has no value: set me"),
        ("A='x' y", ".env:1: A: 'y' behind the closing '"),
    ],
)
def test_what_is_no_variable_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text.encode(), ".env", OUTER.get)
    assert str(caught.value).startswith(said)


def test_in_a_raw_file_nothing_is_replaced_or_unquoted() -> None:
    raw = b"# c\nA='$OUTER' # no comment\nB= x \n\n"
    assert parse_raw(raw, "raw.env") == {"A": "'$OUTER' # no comment", "B": " x "}
    with pytest.raises(BadInput, match=r"^raw.env:1: 'A' is not NAME=VALUE"):
        parse_raw(b"A", "raw.env")


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True), st.text()))
def test_what_is_written_in_double_quotes_is_read_back(written: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        for sign, code in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\r", "\\r")):
            text = text.replace(sign, code)
        return f'"{text}"'

    def clean(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    lines = "".join(f"{name}={quoted(clean(text))}\n" for name, text in written.items())
    cleaned = {name: clean(text) for name, text in written.items()}
    assert parse(lines.encode(), ".env", lambda _name: None) == cleaned


@given(st.binary(max_size=40) | st.text("AB=: #'\"$\\{}\n", max_size=30).map(str.encode))
def test_no_bytes_make_it_fail_otherwise_than_by_bad_input(raw: bytes) -> None:
    try:
        parse(raw, ".env", OUTER.get)
        parse_raw(raw, ".env")
    except BadInput as error:
        assert "\n" not in str(error)
