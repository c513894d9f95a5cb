"""The command line that boots the guest kernel."""

from __future__ import annotations

import pytest

from echolab.errors import BadInput
from echolab.kernel.arguments import (
    Boot,
    FreeRunning,
    Held,
    RealTime,
    boot_arguments,
    boot_environment,
)

INIT = ("/sbin/init", "-x", "request")


def arguments(boot: Boot, *, has_seccomp: bool = True) -> list[str]:
    return boot_arguments("/kernel", boot, private=".guest", has_seccomp=has_seccomp)


def test_virtual_time_starts_at_the_same_moment_in_every_run() -> None:
    first, second = arguments(Boot(INIT)), arguments(Boot(INIT))
    assert first == second
    assert "time-travel=inf-cpu" in first
    assert f"time-travel-start={FreeRunning().start}" in first


def test_a_held_clock_asks_the_calendar_outside() -> None:
    assert "time-travel=ext:1:clock.sock" in arguments(Boot(INIT, clock=Held("clock.sock")))


def test_real_time_has_no_time_travel_and_takes_devices() -> None:
    words = arguments(Boot(INIT, clock=RealTime(), devices=("vec0:transport=tap",)))
    assert not [word for word in words if word.startswith("time-travel")]
    assert "vec0:transport=tap" in words


def test_seccomp_is_asked_for_only_where_the_kernel_knows_it() -> None:
    assert "seccomp=auto" in arguments(Boot(INIT))
    assert "seccomp=off" in arguments(Boot(INIT, ptrace=True))
    assert not [word for word in arguments(Boot(INIT), has_seccomp=False) if "seccomp" in word]


def test_a_path_with_a_space_stays_one_word() -> None:
    words = arguments(Boot(("/a b/init", "c d")))
    assert 'init="/a b/init"' in words
    assert words[-1] == '"c d"'


def test_a_quote_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot hold"):
        arguments(Boot(('/a"b',)))


def test_the_environment_is_fixed() -> None:
    environment = boot_environment(Boot(INIT, seed=3), memory_folder="/m", preload="/p", parent=7)
    assert environment == {
        "TMPDIR": "/m",
        "LD_PRELOAD": "/p",
        "ECHOLAB_PARENT": "7",
        "ECHOLAB_SEED": "3",
    }
