"""Parameters of scenarios: what text they take, their units and domains, and hints."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.scenario.parameter import ANY, UNITS, Parameter, read

SHARE = Parameter("share", "%", 0, 0.9)
DELAY = Parameter("delay", "s", 0, 2)
RATE = Parameter("rate", "bit/s", 1e3)
SIZE = Parameter("size", "bytes", 1, 1e9)


@pytest.mark.parametrize(
    ("text", "parameter", "value"),
    [
        ("30%", SHARE, 0.3),
        ("0.3", SHARE, 0.3),
        ("30 %", SHARE, 0.3),
        ("50ms", DELAY, 0.05),
        ("50 MS", DELAY, 0.05),
        ("1.5", DELAY, 1.5),
        ("250us", DELAY, 0.00025),
        (".5s", DELAY, 0.5),
        ("2Mbit", RATE, 2e6),
        ("2mbit/s", RATE, 2e6),
        ("1e6", RATE, 1e6),
        ("64kib", SIZE, 65536.0),
        ("50ms", ANY, 0.05),
        ("30%", ANY, 0.3),
    ],
)
def test_a_number_may_be_followed_by_its_unit(
    text: str, parameter: Parameter, value: float
) -> None:
    assert read("here", "it", text, float, parameter) == value


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("1kB", 1000), ("1.5kB", 1500)])
def test_a_whole_number_may_be_followed_by_a_unit_too(text: str, value: int) -> None:
    found = read("here", "it", text, int, SIZE)
    assert found == value and type(found) is int


@pytest.mark.parametrize(
    ("text", "kind", "parameter", "hint"),
    [
        ("0,3", float, SHARE, "write a point: --set it=0.3"),
        ("30", float, SHARE, "write --set it=30%"),
        ("50", float, DELAY, "write --set it=50ms"),
        ("-1", float, DELAY, "within it"),
        ("3s", float, SHARE, "%"),
        ("3%", int, Parameter("number"), "without a unit"),
        ("2.5", int, Parameter("number"), "--set it=2"),
        ("many", int, Parameter("number"), "a whole number"),
        ("maybe", bool, ANY, "true or false"),
        ("inf", float, DELAY, "finite"),
        ("nan", float, ANY, "finite"),
        ("1e999", float, RATE, "finite"),
    ],
)
def test_what_cannot_be_meant_gets_a_hint(
    text: str, kind: type, parameter: Parameter, hint: str
) -> None:
    with pytest.raises(BadInput) as caught:
        read("here", "it", text, kind, parameter)
    assert f"here: it={text}" in caught.value.message
    assert hint in caught.value.remedy


@given(st.floats(0, 2), st.sampled_from(["s", "%", "bit/s", "bytes", ""]))
def test_what_is_shown_of_a_value_is_read_as_that_value(value: float, unit: str) -> None:
    parameter = Parameter("it", unit)
    text = parameter.shown(value).replace("Mbit/s", "mbit")
    found = read("here", "it", text, float, parameter)
    assert isinstance(found, float)
    assert math.isclose(found, value, rel_tol=1e-4, abs_tol=1e-9)


@given(st.text(max_size=12), st.sampled_from([float, int, bool]))
def test_any_text_is_a_value_in_the_domain_or_bad_input(text: str, kind: type) -> None:
    try:
        value = read("here", "it", text, kind, DELAY)
    except BadInput as error:
        assert error.message and error.remedy
    else:
        assert type(value) is kind and DELAY.holds(value)


def test_a_parameter_is_refused_whose_unit_or_domain_makes_no_sense() -> None:
    for unit, low, high in (("mile", None, None), ("s", 2.0, 1.0)):
        with pytest.raises(BadInput):
            Parameter("it", unit, low, high)


def test_every_unit_stands_for_a_positive_factor() -> None:
    assert all(factor > 0 for names in UNITS.values() for factor in names.values())
