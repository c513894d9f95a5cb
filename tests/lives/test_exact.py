"""Services in lab time: they wait for one another, are tested, and are started again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.record import Life, Record
from tests.lives.files import LIVES, REFUSED, Lab

Run = Callable[..., Record]

pytestmark = pytest.mark.exact


@pytest.mark.parametrize("lab", LIVES, ids=lambda lab: lab.name)
def test_services_live_as_the_file_says(lab: Lab, exactly: Run) -> None:
    record = exactly(lab.file, lab.script)
    lab.check(record.lives)
    assert [claim.text for claim in record.claims if claim.verdict != "pass"] == []


@pytest.mark.parametrize("lab", REFUSED, ids=lambda lab: lab.name)
def test_a_service_that_cannot_live_is_told_in_one_line(lab: Lab, exactly: Run) -> None:
    with pytest.raises((CannotRun, BadInput), match=lab.error) as caught:
        exactly(lab.file, lab.script)
    assert isinstance(caught.value, EcholabError) and "\n" not in str(caught.value)


def test_checks_come_at_their_own_interval(exactly: Run) -> None:
    record = exactly(
        """
        services:
          server:
            command: [python3, -m, echo_app.server]
            healthcheck:
              test: date +%s.%N >>/tmp/checks; test $$(wc -l </tmp/checks) -gt 4
              interval: 7s
              start_period: 3s
              start_interval: 1s
              retries: 3
          client: {x-echolab: idle}
        """,
        """
        @scenario(baseline=False)
        def looks(lab: Lab) -> None:
            lab.sleep(20)
            times = [float(one) for one in lab.run("server", ["cat", "/tmp/checks"]).stdout.split()]
            lab.note("gaps", value=[round(b - a, 2) for a, b in zip(times, times[1:])])
        """,
    )
    (gaps,) = (note.value for note in record.notes)
    # Each check itself takes a little: the pause is from its end to the next one's beginning.
    assert gaps == pytest.approx([1.0, 1.0, 7.0, 7.0, 7.0, 7.0], abs=0.05)
    kinds = [life.kind for life in record.lives]
    assert kinds == ["check failed", "healthy"]


def test_pauses_before_restarts_double(exactly: Run) -> None:
    record = exactly(
        """
        services:
          moody: {command: [sh, -c, "echo no; exit 3"], restart: on-failure:4}
          maybe:
            command: "true"
            depends_on: {moody: {condition: service_healthy, required: false}}
          client: {x-echolab: idle}
        """,
        """
        @scenario(baseline=False)
        def looks(lab: Lab) -> None:
            lab.sleep(1)
        """,
    )
    mine = [life for life in record.lives if life.host == "moody"]
    assert [life.kind for life in mine] == 4 * ["ended", "started again"] + ["ended", "given up"]
    pauses = [again.at - end.at for end, again in zip(mine[::2], mine[1::2], strict=True)][:4]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8], abs=0.01)
    assert all(life.said == "no" for life in mine if life.kind == "ended")
    assert isinstance(mine[0], Life) and mine[0].at < 0
