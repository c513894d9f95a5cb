"""What a first run lacks of the machine's packages: named, and installed where one may."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from echolab import packages
from echolab.engines import registry
from echolab.engines.docker import engine as docker
from echolab.engines.registry import Needs
from echolab.errors import CannotRun
from echolab.settings import Settings


def test_a_tool_that_is_not_there_is_missing_by_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = dataclasses.replace(Settings.from_environment(os.environ), cache=tmp_path)
    before = packages.missing(here)
    monkeypatch.setattr(packages, "USED", {**packages.USED, "no-such-tool": "no-such-package"})
    assert set(packages.missing(here)) - set(before) == {"no-such-package"}
    assert set(packages.missing(here, Needs.IMAGES)) <= {"mmdebstrap"}, "images need no compiler"


def test_the_tools_are_no_compilers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = dataclasses.replace(Settings.from_environment(os.environ), cache=tmp_path)
    monkeypatch.setattr("echolab.kernel.build.missing_tools", lambda: ("gcc",))
    assert "gcc" in packages.missing(here, Needs.KERNEL)
    assert set(packages.missing(here, Needs.TOOLS)) <= set(packages.USED.values())


class Daemon:
    """A Docker daemon that has a kernel."""

    def __init__(self, kernel: str) -> None:
        self._kernel = kernel

    def info(self) -> dict[str, str]:
        return {"KernelVersion": self._kernel}

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("kernel", "netem", "needed"),
    [
        ("6.12.1-here", True, Needs.IMAGES),
        ("6.12.1-here", False, Needs.IMAGES | Needs.KERNEL),
        ("6.6.1-elsewhere", True, Needs.IMAGES | Needs.KERNEL),
    ],
)
def test_containers_need_compilers_only_where_the_daemons_kernel_has_no_netem(
    monkeypatch: pytest.MonkeyPatch, kernel: str, netem: bool, needed: Needs
) -> None:
    monkeypatch.setattr("platform.release", lambda: "6.12.1-here")
    monkeypatch.setattr(docker, "netem_here", lambda: netem)
    monkeypatch.setattr(docker, "connect", lambda timeout: Daemon(kernel))
    monkeypatch.setattr(docker, "lack", lambda settings: None)
    here = Settings.from_environment(os.environ)
    assert registry.needs("docker", here) == registry.needs("auto", here) == needed


def test_auto_needs_what_exact_does_where_no_daemon_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(docker, "lack", lambda settings: registry.Lack("no daemon", "start it"))
    here = Settings.from_environment(os.environ)
    assert registry.needs("auto", here) == registry.needs("exact", here) == packages.ALL


@pytest.mark.skipif(not packages.may_install(), reason="only root may install packages")
def test_a_package_that_cannot_be_had_is_one_line_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "USED", {"no-such-tool": "no-such-package"})
    said: list[str] = []
    with pytest.raises(CannotRun, match="no-such-package") as caught:
        packages.ensure(Settings.from_environment(os.environ), said.append)
    assert "\n" not in str(caught.value) and "apt-get install" in caught.value.remedy
    assert len(said) == 1 and "no-such-package" in said[0]


def test_where_the_user_may_not_install_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "USED", {"no-such-tool": "no-such-package"})
    monkeypatch.setattr(packages, "may_install", lambda: False)
    said: list[str] = []
    packages.ensure(Settings.from_environment(os.environ), said.append)
    assert said == []
