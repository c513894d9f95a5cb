"""A record that lacks or mistypes a name never ends in a traceback, whoever reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from echolab.errors import BadInput
from echolab.judge import verdicts
from echolab.record import format as records
from echolab.record.values import Record
from echolab.report import compare, page, story, terminal
from echolab.runs import replay
from tests.record.spoilt import DOCUMENTS, TEXTS, Place, Spoilt, changed, spoilt


def use(document: Any, folder: Path) -> None:
    """Do with a record all that is ever done with one, but for running it again."""
    record = records.read(Record, document, "record.json")
    judged = verdicts.judge(record)
    assert verdicts.judge(judged) == judged
    page.draw([(judged, folder)])
    compare.draw((judged, folder), (judged, folder))
    story.text(judged, folder)
    terminal.run(judged, 100, colour=True)
    terminal.summary_table([judged], 100)
    replay.warnings(judged)
    assert replay.first_difference((judged, folder), (judged, folder)) is None
    replay.plan(judged)


@pytest.mark.parametrize("name", TEXTS)
def test_a_recorded_run_is_judged_drawn_and_planned_again(name: str, tmp_path: Path) -> None:
    use(changed(name, ("seed",), delete=False, value=1), tmp_path)
    record = records.read(Record, DOCUMENTS[name], name)
    judged = verdicts.judge(record)
    assert verdicts.judge(judged) == judged
    assert judged.verdict == record.verdict and judged.claims == record.claims


@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(way=spoilt())
@example(way=Spoilt("format-1-docker", ("epoch",), False, 1e300))
@example(way=Spoilt("format-1-docker", ("engine",), False, "text"))
def test_a_spoilt_record_is_used_or_refused_in_one_line(
    way: Spoilt, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        use(way.document(), folder)
    except BadInput as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (("parameters", "los"), 0.1, "scenario everything has no parameter 'los'"),
        (("parameters", "count"), "8", "scenario everything: count must be a whole number"),
        (("script",), "/nowhere.py", "/nowhere.py, which the record names, is gone"),
        (("scenario",), "other", "has no scenario 'other'"),
    ],
)
def test_a_replay_of_what_the_script_does_not_have_says_so(
    place: Place, value: object, line: str
) -> None:
    document = changed("format-2-exact", place, delete=False, value=value)
    with pytest.raises(BadInput, match=line):
        replay.plan(records.read(Record, document, "record.json"))
