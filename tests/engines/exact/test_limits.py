"""A limit of the machine's that a lab would reach is named before the lab is booted."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from echolab.engines.exact import limits
from echolab.errors import CannotRun
from echolab.topology import Host, Topology

CROWD = Topology(tuple(Host(f"server-{number}", ("true",)) for number in range(100)))


def of_user(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(resource, "getrlimit", lambda what: (most, most))


def test_a_user_who_may_have_too_few_processes_is_told_how_many_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_user(monkeypatch, 131)
    with pytest.raises(CannotRun, match="100 hosts takes 132 processes, and RLIMIT_NPROC leaves"):
        limits.check(CROWD)
    of_user(monkeypatch, 132)
    limits.check(CROWD)


def test_idle_hosts_take_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    of_user(monkeypatch, limits.OTHERS)
    limits.check(Topology(tuple(Host(f"client-{number}", idle=True) for number in range(1000))))


def test_a_control_group_that_is_nearly_full_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("4:memory:/else\n0::/user.slice/mine\n", encoding="ascii")
    folder = tmp_path / "user.slice" / "mine"
    folder.mkdir(parents=True)
    (folder / "pids.current").write_text("70\n", encoding="ascii")
    (folder / "pids.max").write_text("200\n", encoding="ascii")
    assert limits._left_to_group(tmp_path, membership) == 130
    monkeypatch.setattr(limits, "_left_to_group", lambda: 130)
    with pytest.raises(CannotRun, match=r"pids\.max leaves 130"):
        limits.check(CROWD)


def test_a_control_group_without_a_limit_leaves_all(tmp_path: Path) -> None:
    assert limits._left_to_group(tmp_path) is None
