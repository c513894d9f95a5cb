"""Records and run folders: written whole, read again, refused where they are none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab import record, runs
from echolab.errors import BadInput, CannotRun

plain: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), plain, max_size=6))
def test_a_record_reads_back_as_it_was_written(extra: dict[str, object]) -> None:
    written = {**extra, "format": 1, "scenario": "s", "engine": "exact", "claims": [], "probes": []}
    assert record.parse(record.dump(written)) == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no record"),
        ("[]", "has no 'format'"),
        ('{"format": 2}', "has format 2, this echolab reads up to 1"),
        ('{"format": 1, "claims": []}', "lacks scenario, engine, probes"),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as caught:
        record.parse(text)
    assert "\n" not in str(caught.value)


def test_latency_is_the_nearest_rank_and_the_mean_of_the_middle_two() -> None:
    found = record.latency([float(value) for value in range(1, 201)])
    assert found == record.Latency(min=1, median=100.5, p99=198, max=200)
    assert record.latency([]) is None
    assert record.latency([0.05]) == record.Latency(0.05, 0.05, 0.05, 0.05)


@given(st.lists(st.floats(0, 100, allow_nan=False), min_size=1))
def test_latencies_are_ordered_and_within_what_was_measured(values: list[float]) -> None:
    found = record.latency(values)
    assert found is not None
    assert min(values) == found.min <= found.median <= found.max == max(values)
    assert found.min <= found.p99 <= found.max


def test_two_runs_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    first = runs.create(tmp_path / "runs", "loss", "exact")
    second = runs.create(tmp_path / "runs", "loss", "exact")
    assert first != second and first.is_dir() and second.is_dir()
    runs.point_latest(first)
    runs.point_latest(second)
    assert (tmp_path / "runs" / "latest").resolve() == second


def test_a_run_is_found_by_path_by_name_and_as_latest(tmp_path: Path) -> None:
    folder = runs.create(tmp_path, "loss", "exact")
    text = {"format": 1, "scenario": "loss", "engine": "exact", "claims": [], "probes": []}
    runs.write(folder / runs.RECORD, json.dumps(text))
    runs.point_latest(folder)
    for name in (str(folder), folder.name, "latest", str(folder / "record.json")):
        assert runs.resolve(name, tmp_path) == folder
    assert runs.read(folder) == text
    with pytest.raises(BadInput, match="there is no run 'other'"):
        runs.resolve("other", tmp_path)


def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"cannot write .* No space left on device"):
        _write_to_a_full_disk(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _write_to_a_full_disk(folder: Path) -> None:
    """Let the disk be full where the half file would stand: a link to /dev/full."""
    import os

    (folder / f".record.json.{os.getpid()}").symlink_to("/dev/full")
    runs.write(folder / "record.json", "x" * 100_000)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRun, match="cannot make a run's folder"):
        runs.create(tmp_path / "file", "loss", "exact")
