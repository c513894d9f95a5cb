"""Histories from files: three formats, and what is wrong in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.history.read import parse
from echolab.history.values import Operation
from echolab.runs import histories

LOG = """INFO  jepsen.util - 0	:invoke	:write	3
INFO  jepsen.util - 1	:invoke	:cas	[3 4]
INFO  jepsen.util - 0	:ok	:write	3
INFO  jepsen.util - 2	:invoke	:read	nil
INFO  jepsen.util - 1	:fail	:cas	[3 4]
INFO  jepsen.util - 2	:ok	:read	3
INFO  jepsen.util - 0	:invoke	:write	9
INFO  jepsen.util - 0	:info	:write	:timed-out
"""

EDN = """{:process 0, :type :invoke, :f :append, :key "k", :value "x 0, }"}
{:process 0, :type :ok, :f :append, :key "k", :value "x 0, }"}
{:process 1, :type :invoke, :f :get, :key "k", :value nil}
{:process 1, :type :ok, :f :get, :key "k", :value "x 0, }"}
"""

OWN = """{"process": 1, "function": "write", "argument": 3, "invoked": 0.5, "completed": 1}
{"process": "b", "function": "read", "invoked": 2, "completed": 3, "result": [1, 2], "key": "k"}
{"process": "b", "function": "read", "invoked": 4}
"""


def test_a_log_of_jepsen_is_read_with_the_lines_as_moments() -> None:
    assert parse(LOG) == (
        Operation("0", "write", 3, None, 1, 3),
        Operation("1", "cas", (3, 4), None, 2, 5, "fail"),
        Operation("2", "read", None, 3, 4, 6),
        Operation("0", "write", 9, None, 7, None, "unknown"),
    )


def test_edn_is_read_whatever_stands_in_its_texts() -> None:
    assert parse(EDN) == (
        Operation("0", "append", "x 0, }", None, 1, 2, key="k"),
        Operation("1", "get", None, "x 0, }", 3, 4, key="k"),
    )


def test_json_of_our_own_is_read_from_lines_and_from_a_list() -> None:
    expected = (
        Operation("1", "write", 3, None, 0.5, 1),
        Operation("b", "read", None, (1, 2), 2, 3, key="k"),
        Operation("b", "read", None, None, 4, None, "unknown"),
    )
    assert parse(OWN) == expected
    assert parse(f"[{','.join(OWN.splitlines())}]") == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense\n", "here:1 is not a line of a history"),
        ("0 :ok :read 3\n", "here:1: process 0 is answered, but has not asked"),
        ("0 :invoke :read nil\n0 :invoke :read nil\n", "here:2: process 0 asks before"),
        ("{:process 0, :f :get}\n", "here:1 lacks one of :process, :type, :f"),
        ('{"process": 1}\n', "here:1 lacks one of process, function, invoked"),
        ('{"process": 1, "function": "f", "invoked": 1, "end": 2}\n', "unknown name 'end'"),
        ('{"process": 1, "function": "f", "invoked": "x"}\n', "'invoked' must be a number"),
        ('{"process": 1, "function": "f", "invoked": 2, "completed": 1}\n', "answered before"),
        ('{"process": 1, "function": "f", "invoked": 2, "argument": {}}\n', "an object"),
        ("[1]", "operation 1 is not an object"),
        ('{"process"', "is not JSON"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint.replace("[", r"\[")) as caught:
        parse(text, "here")
    assert caught.value.remedy


def test_a_file_that_is_missing_empty_or_not_text_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("missing", "empty", "bytes"):
        with pytest.raises(BadInput, match=name):
            histories.read(tmp_path / name)


@given(st.text(max_size=200))
def test_any_text_is_a_history_or_bad_input(text: str) -> None:
    try:
        parse(text)
    except BadInput as error:
        assert "\n" not in error.message[:50]
