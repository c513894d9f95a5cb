"""Before a guest is booted every module of ours is compiled, whatever was there before."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from echolab.engines.bytecode import compile_all

SOURCE = "value = 1\n"


@pytest.fixture(autouse=True)
def _python_keeps_what_it_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The two packages with a module at the top and one two folders down, not compiled."""
    for name in ("echolab/one.py", "echolab/classroom/inside/two.py", "echo_app/three.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SOURCE, encoding="utf-8")
    return tmp_path


def modules(packages: Path) -> list[Path]:
    return sorted(packages.rglob("*.py"))


def compiled(source: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(source)))


def is_taken_as_it_is(source: Path) -> bool:
    """Whether Python itself takes what is compiled: it says so by not compiling again."""
    before = compiled(source).stat().st_mtime_ns
    loader = SourceFileLoader(source.stem, str(source))
    assert loader.get_code(source.stem) is not None
    return compiled(source).stat().st_mtime_ns == before


def untouched(source: Path) -> None:
    """As an earlier run left it."""


def changed(source: Path) -> None:
    source.write_text("value = 'longer than it was'\n", encoding="utf-8")
    os.utime(source, (1_000_000_000, 1_000_000_000))


def older(source: Path) -> None:
    """Replaced by a file as long as it, of another time: a checkout does that."""
    os.utime(source, (1_000_000_000, 1_000_000_000))


def gone(source: Path) -> None:
    compiled(source).unlink()


def of_another_python(source: Path) -> None:
    code = compiled(source).read_bytes()
    compiled(source).write_bytes(b"\x00\x01\r\n" + code[4:])


def empty(source: Path) -> None:
    compiled(source).write_bytes(b"")


def checked_by_hash(source: Path) -> None:
    """Python reads the whole source for such a file (PEP 552), so it costs other calls."""
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    py_compile.compile(str(source), doraise=True, invalidation_mode=mode)


@pytest.mark.parametrize(
    "happens", [untouched, changed, older, gone, of_another_python, empty, checked_by_hash]
)
def test_afterwards_every_module_is_compiled_as_python_wants_it(
    packages: Path, happens: Callable[[Path], None]
) -> None:
    compile_all(packages)
    for source in modules(packages):
        happens(source)
    compile_all(packages)
    for source in modules(packages):
        flags = compiled(source).read_bytes()[4:8]
        assert is_taken_as_it_is(source) and flags == bytes(4)


def test_what_is_current_is_not_compiled_again(packages: Path) -> None:
    compile_all(packages)
    first = {source: compiled(source).stat().st_ino for source in modules(packages)}
    assert len(first) == 3
    compile_all(packages)
    assert {source: compiled(source).stat().st_ino for source in first} == first


def test_a_module_that_cannot_be_compiled_keeps_no_other_from_it(packages: Path) -> None:
    (packages / "echolab" / "broken.py").write_text("value = (\n", encoding="utf-8")
    (packages / "echolab" / "classroom" / "__pycache__").write_text("in the way")
    (packages / "echolab" / "classroom" / "four.py").write_text(SOURCE, encoding="utf-8")
    compile_all(packages)
    there = {source.name for source in modules(packages) if compiled(source).exists()}
    assert there == {"one.py", "two.py", "three.py"}
