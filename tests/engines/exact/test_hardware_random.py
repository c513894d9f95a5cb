"""Programs whose code has `rdrand` or `rdseed` are named in the record, and no others."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from echolab.engines.exact import hardware_random
from echolab.record import ProgramRun
from echolab.runs import replay
from echolab.settings import Settings
from tests.needs import lacking
from tests.records import BARE

MAIN = "int main(void) { return %s; }"
DRAWS = '({ unsigned n; __asm__ volatile("rdrand %0; jnc .+2" : "=r"(n)); n; })'
SEEDS = '({ unsigned long n; __asm__ volatile("rdseed %0" : "=r"(n)); n; })'
CALLS = '({ __asm__ volatile("jmp 1f; .byte 0xe8, 0x0f, 0xc7, 0xff, 0xff; 1:"); 0; })'
OPENSSL = (
    '({ __asm__ volatile(".byte 0x49,0x0f,0xc7,0xf2,0x72,0x16,0x49,0xff,0xcb,0x75,0xf5"); 0; })'
)
DEVICE = "_ZNSt13random_device9_M_getvalEv"


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    if shutil.which("gcc") is None:
        lacking("gcc is missing")
    return Settings(tmp_path / "run", tmp_path / "cache", tmp_path / "compose.yaml")


def make(path: Path, text: str, *words: str) -> Path:
    """A program or a library of a C text."""
    subprocess.run(
        ["gcc", "-x", "c", "-o", path, "-", *words], input=text.encode(), check=True, timeout=60
    )
    return path


def named(here: Settings, *argv: object) -> tuple[str, ...]:
    """What the record of a run of such a program warns of."""
    words = tuple(str(word) for word in argv)
    ran = ProgramRun("client", words, 0, "", "", 0.0, 0.1)
    record = dataclasses.replace(BARE, programs=(ran, ran))
    return hardware_random.with_warnings(record, here).warnings


@pytest.mark.parametrize("reads", [DRAWS, SEEDS])
def test_a_program_that_can_read_the_processors_random_numbers_is_named(
    here: Settings, tmp_path: Path, reads: str
) -> None:
    program = make(tmp_path / "draws", MAIN % reads)
    script = tmp_path / "script"
    script.write_text(f"#!{program}\n", encoding="utf-8")
    said = "may differ from run to run: {} has code that reads the processor's own random numbers"
    assert named(here, program) == (said.format(program),)
    assert named(here, "sh", "-c", f"exec {program} 1") == (said.format(program),)
    assert named(here, script) == (said.format(script),)
    make(program, MAIN % "0")
    assert named(here, program) == ()


@pytest.mark.parametrize("text", ["0", CALLS, OPENSSL])
def test_what_only_looks_like_it_is_not_named(here: Settings, tmp_path: Path, text: str) -> None:
    assert named(here, make(tmp_path / "quiet", MAIN % text)) == ()
    assert named(here, "python3", "-m", "echo_app.udp_client") == ()
    assert named(here, "no-such-program") == ()


def test_the_cpp_library_counts_for_programs_that_use_its_device(
    here: Settings, tmp_path: Path
) -> None:
    own = (f"-L{tmp_path}", "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed", "-l:libstdc++.so.6")
    device = f"int {DEVICE}(void) {{ return {DRAWS}; }}"
    make(tmp_path / "libstdc++.so.6", device, "-shared", "-fPIC", "-Wl,-soname,libstdc++.so.6")
    assert named(here, make(tmp_path / "without", MAIN % "0", *own)) == ()
    draws = make(tmp_path / "with", f"int {DEVICE}(void); {MAIN % (DEVICE + '()')}", *own)
    (line,) = named(here, draws)
    assert line.endswith("random numbers (in libstdc++.so.6)")


def test_what_a_file_has_is_kept_until_it_changes(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = make(tmp_path / "draws", MAIN % DRAWS)
    first = named(here, program)
    monkeypatch.delattr(hardware_random, "look")
    assert named(here, program) == first


def test_replay_names_it_beforehand_and_compares_the_rest() -> None:
    line = "may differ from run to run: node"
    record = dataclasses.replace(BARE, warnings=(line, "another"))
    assert line in replay.warnings(record) and "another" not in replay.warnings(record)
    other = dataclasses.replace(BARE, warnings=("another",))
    assert replay.first_difference((record, Path()), (other, Path())) is None
