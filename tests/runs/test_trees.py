"""Files that go with a job: the same on the other machine, also where nothing of them is."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from echolab.errors import BadInput
from echolab.resources import EXERCISES
from echolab.runs import trees
from echolab.runs.trees import Tree


def test_what_travels_has_its_files_with_modes_times_and_links(tmp_path: Path) -> None:
    given = tmp_path / "ada"
    (given / "deep").mkdir(parents=True)
    (given / "main.py").write_text("print()\n")
    (given / "deep" / "run").write_bytes(b"\x00")
    (given / "deep" / "run").chmod(0o755)
    (given / "link").symlink_to("main.py")
    changed = (given / "main.py").stat().st_mtime_ns
    packed = pickle.dumps(Tree(given))
    shutil.rmtree(given)
    placed = pickle.loads(packed).placed(tmp_path / "there")
    assert placed == tmp_path / "there" / "ada"
    assert sorted(str(one.relative_to(placed)) for one in placed.rglob("*")) == [
        "deep",
        "deep/run",
        "link",
        "main.py",
    ]
    assert (placed / "deep" / "run").stat().st_mode & 0o777 == 0o755
    assert (placed / "main.py").stat().st_mtime_ns == changed
    assert (placed / "link").readlink() == Path("main.py")


def test_one_file_travels_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print()\n")
    tree = pickle.loads(pickle.dumps(Tree(tmp_path / "main.py")))
    assert tree.placed(tmp_path / "there").read_text() == "print()\n"


def test_what_does_not_travel_stays_where_it_is(tmp_path: Path) -> None:
    assert Tree(tmp_path).placed(tmp_path / "there") == tmp_path
    assert not (tmp_path / "there").exists()


def test_of_what_comes_with_echolab_only_the_place_goes(tmp_path: Path) -> None:
    packed = pickle.dumps(Tree(EXERCISES / "01-stream-client"))
    assert len(packed) < 1000
    assert pickle.loads(packed).placed(tmp_path) == EXERCISES / "01-stream-client"


def test_a_tree_that_is_too_large_is_refused_where_it_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "LARGEST", 10)
    given = tmp_path / "ada"
    given.mkdir()
    (given / "main.py").write_bytes(b"x" * 11)
    tree = pickle.loads(pickle.dumps(Tree(given)))
    with pytest.raises(BadInput, match="too many files"):
        tree.placed(tmp_path / "there")
