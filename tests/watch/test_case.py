"""A case of an exercise that is watched: the submission built, the question shown."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from echolab.classroom import exercise
from echolab.classroom.watched_case import watched_case
from echolab.errors import BadInput
from echolab.settings import Settings
from echolab.watch import flights, page
from tests.watch.test_session import Watcher

pytestmark = pytest.mark.exact

REFERENCE = Path(__file__).parents[1] / "exercises" / "03-many-clients" / "reference-py"


def quiet(line: str) -> None:
    """Nobody hears of the progress."""


def test_a_case_is_seen_with_its_question_and_its_submission_as_a_program(
    settings: Settings,
) -> None:
    found = exercise.find("3")
    with watched_case(found, REFERENCE, 2, 1, settings, quiet) as one:
        assert found.cases[1].question in page.draw(one.planned, one.case.question)
        watcher = Watcher(one.planned, one.out, settings, one.furnish)
        with contextlib.closing(watcher.session):
            seen = watcher.until(0.25)
            programs = [one.argv for look in seen.looks for one in look.programs]
            assert any("main.py" in " ".join(argv) for argv in programs)
            assert any(one.kind == "syn" for one in seen.flights)
    assert not one.out.exists()


def test_a_packet_of_a_client_that_the_case_itself_plays_can_be_let_die(settings: Settings) -> None:
    """The engine sends it while it works, not while it waits."""
    with watched_case(exercise.find("3"), REFERENCE, 2, 1, settings, quiet) as one:
        watcher = Watcher(one.planned, one.out, settings, one.furnish)
        with contextlib.closing(watcher.session):
            seen = watcher.until(1.0)
            chosen = next(one for one in seen.flights if one.text == "A")
            deed = flights.deed(seen.flights, seen.looks, "drop_packet", chosen.key, 0.5, 0.0)
            watcher.session.intervene([deed], 1.0)
            died = [one for one in watcher.until(1.0).flights if one.reason]
            assert [one.key for one in died] == [chosen.key]


def test_of_a_submission_whose_calls_are_followed_the_line_is_known_at_each(
    settings: Settings,
) -> None:
    """However short its run is."""
    with watched_case(exercise.find("3"), REFERENCE, 1, 1, settings, quiet) as one:
        watcher = Watcher(one.planned, one.out, settings, one.furnish)
        with contextlib.closing(watcher.session):
            watcher.session.follow(1000.0)
            calls = watcher.until(1000.0).calls
    source = (REFERENCE / "main.py").read_text(encoding="utf-8").splitlines()
    received = [one for one in calls if one.text.startswith("recv(")]
    assert received
    assert {one.file for one in received} == {"submission/main.py"}
    assert all("recv" in source[one.line - 1] for one in received)


def test_a_case_that_there_is_not_is_named(settings: Settings) -> None:
    with (
        pytest.raises(BadInput, match="has no case 99"),
        watched_case(exercise.find("3"), REFERENCE, 99, 1, settings, quiet),
    ):
        pass
