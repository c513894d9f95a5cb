"""Where the guest's memory goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from echolab.errors import CannotRun
from echolab.kernel.memory import choose_folder


def test_without_a_file_system_in_memory_the_fallback_is_taken(tmp_path: Path) -> None:
    assert choose_folder(1, tmp_path, folders=()).path == tmp_path


def test_a_disk_is_not_taken_for_memory(tmp_path: Path) -> None:
    chosen = choose_folder(1, tmp_path, folders=(Path("/usr"), Path("/does/not/exist")))
    assert chosen.path == tmp_path


def test_without_room_anywhere_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="MiB free for the guest's memory"):
        choose_folder(10**9, tmp_path)
