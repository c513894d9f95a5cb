"""The guest starts whatever Python runs the lab, also one with its library beside itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from echolab.engines.exact.engine import LARGEST_LAUNCHER, library_beside
from echolab.kernel import build
from echolab.kernel.boot import Boot, Guest, guest_path
from echolab.kernel.memory import choose_folder
from echolab.settings import Settings
from tests.needs import lacking

MEMORY = 64

PROGRAM = """
#include <sys/reboot.h>
void hello(void);
int main(void) { hello(); reboot(RB_POWER_OFF); return 1; }
"""

LIBRARY = """
#include <unistd.h>
void hello(void) { write(1, "from the library\\n", 17); }
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that finds its library by $ORIGIN, as some builds of Python do."""
    if shutil.which("gcc") is None:
        lacking("no C compiler is here; apt-get install gcc libc6-dev")
    for name, text in (("program.c", PROGRAM), ("library.c", LIBRARY)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    for folder in ("bin", "lib"):
        (tmp_path / folder).mkdir()
    for options in (
        ["-shared", "-fPIC", "library.c", "-o", "lib/libhello.so"],
        ["program.c", "-o", "bin/program", "-Llib", "-lhello", "-Wl,-rpath,$ORIGIN/../lib"],
    ):
        subprocess.run(["gcc", *options], cwd=tmp_path, check=True, timeout=60)
    return tmp_path / "bin" / "program"


def test_the_folder_of_a_library_beside_is_found(program: Path) -> None:
    assert library_beside(program) == program.parent / ".." / "lib"


def test_a_program_with_its_library_inside_has_none_beside(tmp_path: Path) -> None:
    (tmp_path / "static").write_bytes(b"$ORIGIN/../lib\0" + bytes(LARGEST_LAUNCHER))
    (tmp_path / "small").write_bytes(b"\x7fELF /usr/lib\0")
    assert library_beside(tmp_path / "static") is library_beside(tmp_path / "small") is None


@pytest.mark.exact
@pytest.mark.parametrize("told", [True, False])
def test_the_first_program_finds_its_library_where_it_is_told_the_folder(
    program: Path, tmp_path: Path, told: bool
) -> None:
    here = Settings.from_environment(os.environ)
    kernel = build.find(here.cache, here.kernel)
    if kernel is None:
        lacking("the guest kernel is not built; run: ./lab build kernel")
    library = library_beside(program)
    assert library is not None
    variables = {"LD_LIBRARY_PATH": guest_path("lib")} if told else {}
    boot = Boot((guest_path("program"),), memory=MEMORY, seed=1, variables=variables)
    links = {"program": program, "lib": library}
    room = choose_folder(MEMORY, tmp_path).path
    (tmp_path / "run").mkdir()
    with Guest(kernel, boot, tmp_path / "run", room, links=links) as guest:
        ended = guest.wait(60)
    assert ("from the library" in ended.console) is told
