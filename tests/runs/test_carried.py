"""Scripts that go along with jobs: read where a job leaves this machine, and nowhere else."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from echolab import resources
from echolab.errors import BadInput
from echolab.runs.carried import MOST_BESIDE, Carried


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script with a module and a program beside it."""
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "helper.py").write_text("WORD = 'here'\n", encoding="utf-8")
    path = tmp_path / "mine.py"
    path.write_text("import helper\n", encoding="utf-8")
    return path


def sent(script: Path) -> Carried:
    """What another machine gets."""
    found = pickle.loads(pickle.dumps(Carried(script)))
    assert isinstance(found, Carried)
    return found


def test_on_this_machine_a_script_stays_however_much_is_beside_it(script: Path) -> None:
    (script.parent / "programs" / "large").write_bytes(bytes(MOST_BESIDE + 1))
    assert Carried(script).placed(script.parent / "new") == script


def test_too_much_beside_a_script_does_not_go_to_another_machine(script: Path) -> None:
    (script.parent / "programs" / "large").write_bytes(bytes(MOST_BESIDE + 1))
    with pytest.raises(BadInput, match=r"beside .* modules and programs"):
        sent(script)


def test_a_script_of_our_own_goes_by_its_place_alone() -> None:
    ours = resources.SCENARIOS / "loss.py"
    assert len(pickle.dumps(Carried(ours))) < 200
    assert sent(ours).placed(Path("unused")) == ours


def test_a_script_that_is_there_alike_is_used_where_it_is(script: Path) -> None:
    assert sent(script).placed(script.parent / "new") == script


def test_a_script_that_is_not_there_comes_with_what_is_beside_it(
    script: Path, tmp_path: Path
) -> None:
    carried = sent(script)
    (script.parent / "helper.py").write_text("WORD = 'another'\n", encoding="utf-8")
    placed = carried.placed(tmp_path / "new")
    assert placed == tmp_path / "new" / "mine.py"
    assert (tmp_path / "new" / "helper.py").read_text(encoding="utf-8") == "WORD = 'here'\n"
    assert (tmp_path / "new" / "programs" / "run.sh").exists()
