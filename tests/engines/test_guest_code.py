"""What performs jobs is a copy: compiled, the same for the same modules, nothing else in it."""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from echolab import resources
from echolab.engines.guest_code import KEPT, PROGRAM, SOURCES, guest_code
from echolab.errors import CannotRun

MODULES = ("echolab/one.py", "echolab/classroom/guest/two.py", "echo_app/three.py")


@pytest.fixture
def sources(tmp_path: Path) -> Mapping[str, Path]:
    """The two packages, in folders of their own, with a module at the top and one below."""
    for name in MODULES:
        file = tmp_path / "site" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("value = 1\n", encoding="utf-8")
    return {name: tmp_path / "site" / name for name in ("echolab", "echo_app")}


def copy_of(cache: Path, sources: Mapping[str, Path]) -> Path:
    with guest_code(cache, sources) as copy:
        return copy


def compiled(source: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(source)))


def test_the_copy_has_every_module_compiled_and_nothing_else(
    tmp_path: Path, sources: Mapping[str, Path]
) -> None:
    for name in ("guest.config", "data/scenarios/loss.py", "__pycache__/old.cpython-311.pyc"):
        (sources["echolab"] / name).parent.mkdir(parents=True, exist_ok=True)
        (sources["echolab"] / name).write_text("", encoding="utf-8")
    copy = copy_of(tmp_path, sources)
    modules = {copy / name for name in MODULES}
    assert {path for path in copy.rglob("*") if path.is_file()} == modules | set(
        map(compiled, modules)
    )


def test_python_takes_what_is_compiled_as_it_is_whatever_the_times_of_the_files(
    tmp_path: Path, sources: Mapping[str, Path]
) -> None:
    source = copy_of(tmp_path, sources) / MODULES[0]
    os.utime(source, (1_000_000_000, 1_000_000_000))
    code = compile("value = 'what was compiled'", str(source), "exec")
    text = compiled(source).read_bytes()[:16]
    compiled(source).write_bytes(text + marshal.dumps(code))
    found = SourceFileLoader("one", str(source)).get_code("one")
    assert found is not None and "what was compiled" in found.co_consts


def test_the_same_modules_are_the_same_copy_wherever_they_are(
    tmp_path: Path, sources: Mapping[str, Path]
) -> None:
    first = copy_of(tmp_path, sources)
    made = first.stat().st_ino
    (tmp_path / "site").rename(tmp_path / "elsewhere")
    moved = {name: tmp_path / "elsewhere" / name for name in sources}
    os.utime(moved["echolab"] / "one.py", (1_000_000_000, 1_000_000_000))
    assert copy_of(tmp_path, moved) == first and first.stat().st_ino == made


@pytest.mark.parametrize("name", MODULES)
def test_a_changed_module_is_another_copy(
    tmp_path: Path, sources: Mapping[str, Path], name: str
) -> None:
    first = copy_of(tmp_path, sources)
    file = tmp_path / "site" / name
    before = file.stat()
    file.write_text("value = 2\n", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = copy_of(tmp_path, sources)
    assert second != first
    assert (second / name).read_text(encoding="utf-8") == "value = 2\n"


def test_the_modules_themselves_are_left_as_they_are(
    tmp_path: Path, sources: Mapping[str, Path]
) -> None:
    before = sorted((tmp_path / "site").rglob("*"))
    copy_of(tmp_path, sources)
    assert sorted((tmp_path / "site").rglob("*")) == before


def test_a_module_that_cannot_be_compiled_keeps_no_other_from_it(
    tmp_path: Path, sources: Mapping[str, Path]
) -> None:
    (sources["echolab"] / "broken.py").write_text("value = (\n", encoding="utf-8")
    copy = copy_of(tmp_path, sources)
    assert (copy / "echolab" / "broken.py").is_file()
    assert all(compiled(copy / name).is_file() for name in MODULES)


def test_everybody_may_read_the_copy_whatever_the_mask(
    tmp_path: Path, sources: Mapping[str, Path]
) -> None:
    mask = os.umask(0o077)
    try:
        copy = copy_of(tmp_path / "cache", sources)
    finally:
        os.umask(mask)
    for path in (copy, *copy.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)


def test_old_copies_go_when_nobody_uses_any(tmp_path: Path, sources: Mapping[str, Path]) -> None:
    file = sources["echolab"] / "one.py"
    copies = []
    (tmp_path / "code" / ".left-by-a-killed-run").mkdir(parents=True)
    for number in range(KEPT + 2):
        file.write_text(f"value = {number} * 10\n", encoding="utf-8")
        copies.append(copy_of(tmp_path, sources))
        os.utime(copies[-1], (number, number))
    there = {path for path in (tmp_path / "code").iterdir() if path.is_dir()}
    assert there == set(copies[-KEPT:])


def test_a_copy_that_is_used_stays(tmp_path: Path, sources: Mapping[str, Path]) -> None:
    with guest_code(tmp_path, sources) as used:
        os.utime(used, (0, 0))
        for number in range(KEPT + 2):
            (sources["echolab"] / "one.py").write_text(f"value = {number}0\n", encoding="utf-8")
            copy_of(tmp_path, sources)
        assert used.is_dir()


def test_a_cache_that_cannot_be_written_to_is_one_line_with_its_remedy(
    tmp_path: Path, sources: Mapping[str, Path]
) -> None:
    (tmp_path / "cache").write_text("no folder", encoding="utf-8")
    with pytest.raises(CannotRun, match="XDG_CACHE_HOME"):
        copy_of(tmp_path / "cache", sources)


def test_pythons_own_library_is_compiled_where_it_may_be(tmp_path: Path) -> None:
    """An interpreter that comes without compiled modules, as uv's does, keeps them."""
    library = Path(sysconfig.get_path("stdlib"))
    python = tmp_path / "python" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    shutil.copy(os.path.realpath(sys.executable), python)
    own = tmp_path / "python" / "lib" / library.name
    left_out = shutil.ignore_patterns("__pycache__", "*-packages", "test", "config-*")
    shutil.copytree(library, own, ignore=left_out, symlinks=True)
    script = (
        "from pathlib import Path; from echolab.engines.guest_code import guest_code\n"
        f"with guest_code(Path({str(tmp_path)!r})): pass"
    )
    subprocess.run(
        [python, "-S", "-B", "-c", script],
        cwd=resources.ROOT,
        env={"PYTHONPATH": "."},
        check=True,
        timeout=60,
    )
    names = {path.name.partition(".")[0] for path in own.rglob("*.pyc")}
    assert {"dataclasses", "selectors", "traceback"} <= names


def test_the_copy_of_what_is_here_has_the_program_that_performs_jobs(tmp_path: Path) -> None:
    assert (copy_of(tmp_path, SOURCES) / PROGRAM).is_file()
