"""Records as JSON: what was written reads back, and what does not fit is named in one line."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.record import format as records
from echolab.record.values import Claim, Lateness, Record, Traits, Versions
from echolab.resources import ROOT
from tests.record.spoilt import DOCUMENTS, TEXTS, Place, Spoilt, changed, shown, spoilt
from tests.records import BARE


@pytest.mark.parametrize("name", TEXTS)
def test_a_recorded_run_reads_back_as_it_was_written(name: str) -> None:
    record = records.parse(TEXTS[name])
    assert records.parse(records.dump(record)) == record
    written = json.loads(records.dump(record))
    for lists, names in records.LATER.items():  # which came later
        for entry in written.get(lists, ()):
            for later, value in names.items():
                assert entry.pop(later) == value
    for side in written["counters"].values():
        for counted in side.values():
            assert counted.pop("framed") is None
    if DOCUMENTS[name]["format"] == 1:
        for captured in written["captures"]:
            assert captured.pop("lost") == 0  # which format 1 does not tell
    for key, value in DOCUMENTS[name].items():
        if key not in ("format", "python"):
            assert written[key] == value, key


def test_a_record_of_format_1_tells_the_version_of_python_alone() -> None:
    record = records.parse(TEXTS["format-1-exact"])
    assert record.versions == Versions(python=DOCUMENTS["format-1-exact"]["python"])


def test_a_record_of_format_1_has_the_traits_of_its_engine() -> None:
    assert records.parse(TEXTS["format-1-exact"]).traits == Traits(virtual=True)
    assert records.parse(TEXTS["format-1-docker"]).traits == Traits(lookups=True, firewalled=True)


def test_only_a_run_in_real_time_tells_of_lateness() -> None:
    assert records.parse(TEXTS["format-1-exact"]).lateness is None
    late = records.parse(TEXTS["format-1-docker"]).lateness
    document = DOCUMENTS["format-1-docker"]
    assert late == Lateness(
        document["lateness"], tuple(document["late_by_second"]), document["waiting"]
    )


@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(spoilt())
def test_what_is_missing_or_mistyped_ends_in_one_line_that_names_it(
    way: Spoilt,
) -> None:
    place = way.place
    try:
        record = records.read(Record, way.document(), "record.json")
    except BadInput as error:
        assert "\n" not in str(error)
        named = [shown(place[:length]) for length in range(1, len(place) + 1)]
        assert any(re.search(rf" {re.escape(one)}[ .\[]", str(error)) for one in named), str(error)
    else:
        assert records.parse(records.dump(record)) == record


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (("engine",), 3, "record.json: engine must be text, not 3"),
        (("claims",), {}, "record.json: claims must be a list, not an object"),
        (
            ("probes", 1, "exchanges", 2, 3),
            "eaten",
            "record.json: probes[1].exchanges[2].fate must be delivered or late or lost, not",
        ),
        (
            ("probes", 1, "latency_ms", "median"),
            "10",
            'record.json: probes[1].latency_ms.median must be a number, not "10"',
        ),
        (("claims", 0, "seen"), "many", "record.json: claims[0] is not valid: a rate needs"),
        (
            ("links", 0, "links", 0, "loss"),
            7,
            "record.json: links[0].links[0] is not valid: link: loss of 7",
        ),
        (("lateness",), "much", 'record.json: lateness must be a number, not "much"'),
    ],
)
def test_the_line_says_where_and_what_was_expected(place: Place, value: object, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        records.read(
            Record, changed("format-1-docker", place, delete=False, value=value), "record.json"
        )
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "record.json is not JSON"),
        ("[]", "record.json is not a record: it has no 'format'"),
        ('{"format": 3}', "record.json has format 3, this echolab reads up to 2"),
        ('{"format": "2"}', "record.json: format must be"),
        ('{"format": 2}', "record.json: scenario is missing"),
    ],
)
def test_what_is_not_a_record_is_refused_in_one_line(text: str, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        records.parse(text)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


plain: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(plain, plain)
def test_whatever_a_script_saw_reads_back(seen: object, theory: object) -> None:
    claim = Claim("holds", "text", records.as_json(seen), records.as_json(theory), holds=True)
    record = record_with(claim)
    assert records.parse(records.dump(record)) == record


def record_with(*claims: Claim) -> Record:
    """A record of a run that did nothing but state claims."""
    return dataclasses.replace(
        BARE,
        claims=claims,
    )


def test_a_value_that_json_lacks_is_refused_where_the_script_hands_it_over() -> None:
    with pytest.raises(BadInput, match="a set cannot be written to a record"):
        records.as_json({1, 2})


def test_the_page_on_records_has_every_name_of_a_record() -> None:
    page = (ROOT / "docs" / "record.md").read_text(encoding="utf-8")
    fields = {field.name for field in dataclasses.fields(Record)} | set(records.LATENESS)
    fields |= {field.name for field in dataclasses.fields(Versions)} | {"format"}
    assert {name for name in fields if f"`{name}`" not in page} == set()
