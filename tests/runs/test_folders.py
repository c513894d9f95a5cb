"""The folders of runs: written whole and found again."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from echolab.errors import BadInput, CannotRun
from echolab.record.format import dump
from echolab.runs import folders
from tests.records import BARE


def test_two_runs_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    first = folders.create(tmp_path / "runs", "loss", "exact")
    second = folders.create(tmp_path / "runs", "loss", "exact")
    assert first != second and first.is_dir() and second.is_dir()
    folders.point_latest(first)
    folders.point_latest(second)
    assert (tmp_path / "runs" / "latest").resolve() == second


def test_a_run_is_found_by_path_by_name_and_as_latest(tmp_path: Path) -> None:
    folder = folders.create(tmp_path, "loss", "exact")
    record = dataclasses.replace(
        BARE,
        scenario="loss",
    )
    folders.write(folder / folders.RECORD, dump(record))
    folders.point_latest(folder)
    for name in (str(folder), folder.name, "latest", str(folder / "record.json")):
        assert folders.resolve(name, tmp_path) == folder
    assert folders.read(folder) == record
    with pytest.raises(BadInput, match="there is no run 'other'"):
        folders.resolve("other", tmp_path)


def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"cannot write .* No space left on device"):
        _write_to_a_full_disk(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _write_to_a_full_disk(folder: Path) -> None:
    """Let the disk be full where the half file would stand: a link to /dev/full."""
    (folder / f".record.json.{os.getpid()}").symlink_to("/dev/full")
    folders.write(folder / "record.json", "x" * 100_000)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRun, match="cannot make a run's folder"):
        folders.create(tmp_path / "file", "loss", "exact")


def test_an_interrupt_that_makes_a_removal_close_twice_is_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """shutil.rmtree closes a folder again if the interrupt comes right after it has closed it."""
    whole, folder = shutil.rmtree, tmp_path / "run"
    (folder / "within").mkdir(parents=True)

    def interrupted(path: Path, *, ignore_errors: bool) -> None:
        monkeypatch.setattr(shutil, "rmtree", whole)
        try:
            raise KeyboardInterrupt
        finally:
            os.close(-1)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folders.remove(folder)
    assert not folder.exists()
