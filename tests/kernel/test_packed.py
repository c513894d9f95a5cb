"""A kernel in one file: it boots where nothing is built, and a damaged one is told."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from echolab.errors import BadInput, CannotRun
from echolab.kernel import build, packed
from echolab.kernel.image import Kernel
from echolab.resources import ROOT
from echolab.settings import Settings
from tests.needs import lacking


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    here = Settings.from_environment(os.environ)
    found = build.find(here.cache, here.kernel)
    if found is None:
        lacking("the guest kernel is not built; run: ./lab build kernel")
    return found


@pytest.fixture
def file(kernel: Kernel, tmp_path: Path) -> Path:
    packed.pack(kernel, tmp_path / "kernel")
    return tmp_path / "kernel"


def test_a_packed_kernel_is_the_same_kernel(kernel: Kernel, file: Path, tmp_path: Path) -> None:
    found = build.find(tmp_path / "cache", file)
    assert found is not None
    same = dataclasses.replace(found, path=kernel.path, preload=kernel.preload)
    assert same == kernel
    assert found.path.read_bytes() == kernel.path.read_bytes()
    assert build.find(tmp_path / "cache", file) == found


def test_a_packed_kernel_is_still_a_program(kernel: Kernel, file: Path) -> None:
    told = subprocess.run([file, "--version"], capture_output=True, text=True, timeout=30)
    assert told.stdout.strip() == kernel.release


def test_a_lab_opens_with_a_kernel_that_was_handed_on(file: Path, tmp_path: Path) -> None:
    script = "import echolab; echolab.open('exact', capture=False).close()"
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "ECHOLAB_KERNEL": str(file)}
    subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        check=True,
        timeout=120,
    )
    assert not list((tmp_path / "cache").rglob("preload-*.so")), "nothing had to be compiled"


def test_a_damaged_file_is_told(file: Path, tmp_path: Path) -> None:
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    with pytest.raises(BadInput, match="is damaged"):
        build.find(tmp_path / "cache", file)


def test_what_is_no_packed_kernel_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"x")
    (tmp_path / "long").write_bytes(b"x" * 100)
    assert packed.unpack(tmp_path / "short", tmp_path) is None
    assert packed.unpack(tmp_path / "long", tmp_path) is None


def test_a_file_that_cannot_be_written_is_told(kernel: Kernel, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="cannot write"):
        packed.pack(kernel, tmp_path / "absent" / "kernel")
