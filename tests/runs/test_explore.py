"""What exploring says is what a run of its own shows."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from echolab.engines import registry
from echolab.runs import explore
from echolab.runs.explore import Explored
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact


def explored(body: str, folder: Path) -> Explored:
    """What exploring a scenario finds whose claim is computed by `body`, as `holds`."""
    here = Settings.from_environment(os.environ)
    if lack := registry.load("exact").lack(here):
        lacking(f"{lack.what}; {lack.remedy}")
    path = folder / "made.py"
    path.write_text(
        textwrap.dedent(
            f"""
            import os
            from echolab import Lab, Parameter, scenario

            @scenario(
                sentence="made", baseline=False, measured=False,
                parameters={{"count": Parameter("count", low=1, high=9)}},
            )
            def made(lab: Lab, count: int = 9) -> None:
                \"\"\"Made for the tests.\"\"\"
                {body}
                lab.expect("it holds", holds, seen="made")
            """
        ),
        encoding="utf-8",
    )
    asked = explore.Asked(str(path), out=folder / "runs")
    wanted = explore.wanted(40, None, 0, keep_going=False)
    return explore.prepare(asked, wanted, here, {}).explore(lambda line: None)


def test_what_breaks_only_after_other_runs_in_the_guest_is_no_failure(tmp_path: Path) -> None:
    """Process numbers tell how many processes a guest has had before."""
    found = explored("holds = os.getpid() < 80", tmp_path)
    assert not found.failures
    (failure,) = found.unrepeated
    assert failure.claims == ("it holds",)
    assert not list((tmp_path / "runs").rglob("made.json"))


def test_the_simplest_run_that_breaks_in_a_guest_of_its_own_is_the_failure(tmp_path: Path) -> None:
    """In a guest that has had other runs, smaller counts break as well."""
    found = explored("holds = count < 5 and os.getpid() < 80", tmp_path)
    assert not found.unrepeated
    (failure,) = found.failures
    assert int(failure.draw.parameters["count"]) >= 5
