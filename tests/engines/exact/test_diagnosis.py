"""Why a guest broke down, from what its console said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from echolab.engines.exact.diagnosis import still_running, why_it_died, why_it_hung


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A server and a client were started; the client ended."""
    events = [
        {"event": "start", "pid": 3, "host": "server", "argv": ["./spin", "-x"]},
        {"event": "start", "pid": 4, "host": "client", "argv": ["./ends"]},
        {"event": "end", "pid": 4, "status": 0},
    ]
    file = tmp_path / "programs.log"
    file.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"event": "sta')
    return file


def test_what_had_not_ended_is_running(log: Path) -> None:
    assert [str(program) for program in still_running(log)] == ["./spin -x on server"]


def test_a_guest_that_hung_names_host_and_program(log: Path) -> None:
    error = why_it_hung("[    1.0] one\n\n[    2.0] two\n", log, 5)
    assert "within 5 s" in error.message
    assert "./spin -x on server" in error.message
    assert error.message.endswith("its console said: one | two")
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("console", "meaning"),
    [
        ("Out of memory: Killed process 34 (python3)", "ran out of memory"),
        ("ptrace: Operation not permitted", "forbids both seccomp filters and ptrace"),
        ("/tmp must be not mounted noexec", "mounted noexec"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Kernel panic - not syncing: Oh dear", "kernel panicked: Oh dear"),
        ("", "ended by signal 6"),
    ],
)
def test_each_breakdown_is_one_line_that_says_what(
    console: str, meaning: str, tmp_path: Path
) -> None:
    error = why_it_died(-6, console, tmp_path / "none")
    assert meaning in error.message
    assert error.remedy
    assert "\n" not in str(error)
