"""The YAML of a Compose file: what its scalars mean, and what it may not do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from echolab.compose import document
from echolab.compose.document import parse, scalar
from echolab.compose.tree import Place, plain
from echolab.errors import BadInput


def one(text: str) -> Any:
    """The only document of a text, as plain values."""
    (found,) = parse(text.encode(), "lab.yaml")
    return plain(found)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("12:30:45", "12:30:45"),
        ("22:22", "22:22"),
        ("2024-01-01", "2024-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("0o17", 15),
        ("0755", 493),
        ("0x1F", 31),
        ("0b11", 3),
        ("08", 8.0),
        ("1_000", 1000),
        ("-12", -12),
        ("+7", 7),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        ("1.2.3", "1.2.3"),
        ("1.2.3.4", "1.2.3.4"),
        ("-", "-"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("99999999999999999999999", 1e23),
        ("=", "="),
        ("0x", "0x"),
    ],
)
def test_a_plain_scalar_means_what_it_means_to_the_compose_command(text: str, meant: Any) -> None:
    """By YAML 1.2 and go-yaml, not by YAML 1.1 as PyYAML has it."""
    found = scalar(text)
    assert found == meant and type(found) is type(meant)
    assert scalar(".nan") != scalar(".nan")


def test_what_is_quoted_or_tagged_is_text() -> None:
    assert one("a: '1'\nb: \"true\"\nc: !!str 1\nd: |\n  1\n") == {
        "a": "1",
        "b": "true",
        "c": "1",
        "d": "1\n",
    }


def test_keys_are_text_whatever_they_look_like() -> None:
    assert one("yes: 1\n1: 2\ntrue: 3\n") == {"yes": 1, "1": 2, "true": 3}


def test_merge_keys_give_what_is_not_there_and_the_first_of_several_wins() -> None:
    text = """
a: &a {x: 1, y: 1}
b: &b {y: 2, z: 2}
c: {<<: *a, x: 3}
d: {x: 4, <<: [*b, *a]}
e: {"<<": 5}
"""
    found = one(text)
    assert found["c"] == {"x": 3, "y": 1}
    assert found["d"] == {"x": 4, "y": 2, "z": 2}
    assert found["e"] == {"<<": 5}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_not_part_of_the_file(encoding: str) -> None:
    mark = "\ufeff" if encoding.startswith("utf-16-") else ""
    (found,) = parse((mark + "über: ja\n").encode(encoding), "lab.yaml")
    assert plain(found) == {"über": "ja"}


def test_each_key_and_item_knows_its_line_also_where_an_alias_repeats_it() -> None:
    (found,) = parse(b"a: &a\n  x: 1\nb: *a\nc:\n- 1\n- 2\n", "lab.yaml")
    assert found.where("b") == Place("lab.yaml", 3)
    assert found["b"].where("x") == Place("lab.yaml", 2)
    assert found["c"].where(1) == Place("lab.yaml", 6)
    assert str(found.where("b")) == "lab.yaml:3"


def test_reset_takes_a_key_out_and_override_marks_one() -> None:
    (found,) = parse(b"a: !reset [1]\nb: !override {x: 1}\nc: !reset null\n", "lab.yaml")
    assert plain(found) == {"b": {"x": 1}}
    assert found.removed == {"a", "c"} and found.replaced == {"b"}


def test_several_documents_and_empty_ones_are_read() -> None:
    found = parse(b"---\na: 1\n---\n---\nb: 2\n", "lab.yaml")
    assert [plain(one) for one in found] == [{"a": 1}, {"b": 2}]
    assert parse(b"", "lab.yaml") == [] == parse(b"# nothing\n", "lab.yaml")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' is there twice"),
        ("a: {<<: {x: 1}, <<: {y: 1}}", 1, "the key '<<' is there twice"),
        ("a: {<<: 1}", 1, "merges something other than mappings"),
        ("a: &a [*a]", 1, "an alias stands within what it repeats"),
        ("a:\n  ? [1]\n  : 2\n", 2, "a key that is not text"),
        ("a:\n  - !reset 1\n", 2, "!reset within a list"),
        ("a: !env X", 1, "unknown tag '!env'"),
        ("a: !!binary aGk=", 1, "unknown tag '!!binary'"),
        ("a: !!int x", 1, "'x' is not !!int"),
        ("- 1", 1, "it is not a mapping"),
        ("text", 1, "it is not a mapping"),
        ("a: [1", 2, "not valid YAML"),
        ("a: b: c", 1, "not valid YAML"),
        ("a: *b", 1, "not valid YAML"),
        ("a: \x01", 1, "not valid YAML"),
        ("a: " + "[" * 500 + "]" * 500, 1, "nested too deeply"),
        ("a: " + "[" * 5000, 1, "not valid YAML"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_place(
    text: str, line: int, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text.encode(), "lab.yaml")
    assert str(caught.value).startswith(f"lab.yaml:{line}: ") and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_utf8_is_named_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"^lab.yaml:2: not UTF-8; save it as UTF-8"):
        parse(b"a: 1\nb: \xff\n", "lab.yaml")


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(BadInput, match="more than 100000 values; use fewer aliases"):
        parse("\n".join(lines).encode(), "lab.yaml")


def test_a_file_is_read_alike_where_pyyaml_lacks_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["a: &a {x: yes, y: [1, ~]}\nb: {<<: *a}\n", "a: !reset 1\n", "a: '1'\nb: ! 2\n"]
    fast = [parse(text.encode(), "lab.yaml") for text in texts]
    assert yaml.__with_libyaml__

    class Slow(yaml.SafeLoader):
        resolve = document._Loader.resolve

    monkeypatch.setattr(document, "_Loader", Slow)
    slow = [parse(text.encode(), "lab.yaml") for text in texts]
    assert slow == fast and slow[1][0].removed == {"a"}


values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values))
def test_what_a_yaml_writer_quotes_and_tags_is_read_back(written: dict[str, Any]) -> None:
    text = yaml.safe_dump(written, default_style='"')
    assert [plain(one) for one in parse(text.encode(), "lab.yaml")] == [written]


@given(st.binary(max_size=60) | st.text("ab:-[]{}&*!<>#'\"|~ \n", max_size=40).map(str.encode))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_bad_input(raw: bytes) -> None:
    try:
        parse(raw, "lab.yaml")
    except BadInput as error:
        assert "\n" not in str(error) and str(error).startswith("lab.yaml:")
