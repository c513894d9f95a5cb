"""The example of docs/scenario-howto.md does what the text says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from echolab import resources
from echolab.job import Job
from echolab.record import Record

HOWTO = resources.ROOT / "docs" / "scenario-howto.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example, saved as the text asks."""
    found = re.search(r"```python\n(.*?)```", HOWTO.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    path = tmp_path / "mine.py"
    path.write_text(found[1], encoding="utf-8")
    return path


@pytest.mark.exact
def test_the_example_runs_and_its_claims_hold(
    example: Path,
    perform_all: Callable[[Sequence[Job]], list[Record]],
    jobs: Callable[..., Iterator[Job]],
) -> None:
    given = [{}, {"loss": "0.1", "count": "1000"}]
    records = perform_all([job for values in given for job in jobs(example, 7, **values)])
    verdicts = [claim.verdict for record in records for claim in record.claims]
    assert verdicts == ["pass"] * 6


def test_a_mistake_in_it_shows_the_users_line(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    example.write_text(text.replace("import Lab, Link,", "import Lab, Lnk,"), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "echolab", "run", str(example)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=resources.ROOT,
        check=False,
    )
    assert ended.returncode == 2
    assert f"{example}:3:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_name_that_the_text_uses_is_there() -> None:
    from echolab import Lab

    names = set(re.findall(r"lab\.([a-z_]+)", HOWTO.read_text(encoding="utf-8")))
    here = {*dir(Lab), "engine", "precision"}
    assert {"probe", "shape", "expect_rate"} <= names <= here
