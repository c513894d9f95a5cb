"""Which tools are there, where, and what a build says of one that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from echolab.classroom import toolchains
from echolab.classroom.languages import STRIPS_TYPES, Recipe
from echolab.classroom.toolchains import Tools
from echolab.errors import CannotRun


def tool(folder: Path, name: str, says: str) -> None:
    path = folder / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@pytest.fixture
def none(tmp_path: Path) -> Tools:
    """A machine without any tool."""
    return Tools((), str(tmp_path))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("make: g++: No such file or directory\nmake: *** [main] Error 127", "g++"),
        ("/bin/sh: 1: cargo: not found", "cargo"),
        ("/bin/sh: line 1: go: command not found", "go"),
        ("bash: javac: command not found", "javac"),
        ("main.c:1: fatal error: own.h: No such file or directory", ""),
        ("cat: words.txt: No such file or directory", ""),
    ],
)
def test_a_tool_that_a_build_lacks_is_found_in_its_words(said: str, name: str, none: Tools) -> None:
    assert toolchains.missing_in(said, none) == name


def test_a_tool_that_is_there_is_not_what_a_build_lacks(tmp_path: Path) -> None:
    tool(tmp_path, "g++", "g++ 1.0")
    there = Tools((), str(tmp_path / "bin"))
    assert toolchains.missing_in("make: g++: No such file or directory", there) == ""


def test_a_missing_compiler_comes_with_its_package(none: Tools) -> None:
    with pytest.raises(CannotRun) as refusal:
        toolchains.need(Recipe("Go", (("go", "build"),), ("/main",)), none)
    assert refusal.value.message == "this machine has no go"
    assert "golang-go" in refusal.value.remedy


@pytest.mark.parametrize(("version", "runs"), [("v20.20.2", False), ("v22.6.0", True)])
def test_typescript_needs_a_node_that_runs_it(version: str, runs: bool, tmp_path: Path) -> None:
    tool(tmp_path, "node", version)
    here = Tools((), str(tmp_path / "bin"))
    found = Recipe("TypeScript", (), ("node", STRIPS_TYPES, "/main.ts"))
    if runs:
        toolchains.need(found, here)
    else:
        with pytest.raises(CannotRun, match=r"node v?20\.20\.2 does not run TypeScript"):
            toolchains.need(found, here)


def test_tools_of_a_home_are_shown_without_what_lies_beside_them(tmp_path: Path) -> None:
    chain = tmp_path / ".rustup/toolchains/stable"
    tool(chain, "rustc", "rustc 1.79.0 (129f3b996 2024-06-10)")
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/credentials.toml").write_text("secret")
    found = toolchains.of_machine(tmp_path)
    assert found.folders == (str(chain),)
    assert found.path.endswith(f":{chain}/bin")


def test_versions_are_told_as_the_tools_tell_them(tmp_path: Path) -> None:
    tool(tmp_path, "gcc", "gcc (Debian 12.2.0-14+deb12u1) 12.2.0")
    tool(tmp_path, "silent", "")
    here = Tools((), str(tmp_path / "bin"))
    assert here.versions(("gcc", "silent", "absent")) == ("gcc 12.2.0", "silent")
