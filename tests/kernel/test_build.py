"""The cache of kernels, its lock, and what is said where a kernel cannot be had."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from echolab.errors import BadInput, CannotRun
from echolab.kernel import build, command, config, source
from echolab.kernel.build import find


def put(cache: Path, version: str, recipe: str | None = None) -> Path:
    folder = cache / "kernel" / f"linux-{version}-{recipe or config.recipe()}"
    folder.mkdir(parents=True)
    for name in ("linux", "preload.so"):
        (folder / name).touch()
    facts = {"release": version, "source": f"linux-source {version}", "digest": "d"}
    (folder / "kernel.json").write_text(json.dumps(facts))
    return folder


def test_the_newest_kernel_of_our_recipe_is_found(tmp_path: Path) -> None:
    put(tmp_path, "6.12.9")
    newest = put(tmp_path, "6.12.10")
    put(tmp_path, "7.3.4", recipe="another")
    found = find(tmp_path)
    assert found is not None and found.path == newest / "linux"


@pytest.mark.parametrize("lost", ["linux", "preload.so", "kernel.json"])
def test_a_damaged_kernel_is_none(tmp_path: Path, lost: str) -> None:
    (put(tmp_path, "7.3.4") / lost).unlink()
    assert find(tmp_path) is None


def test_a_changed_recipe_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "7.3.4")
    assert find(tmp_path) is not None
    monkeypatch.setattr(config, "PATCHES", ())
    assert find(tmp_path) is None


def test_a_given_kernel_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not there"):
        find(tmp_path, tmp_path / "none")


def test_a_given_file_that_may_not_be_executed_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "kernel"
    file.write_text("text")
    with pytest.raises(BadInput, match="may not be executed"):
        find(tmp_path, file)


@pytest.mark.parametrize("program", ["/bin/true", "/bin/ls"])
def test_a_given_program_that_is_no_kernel_is_bad_input(tmp_path: Path, program: str) -> None:
    with pytest.raises(BadInput, match="no User-Mode Linux kernel"):
        find(tmp_path, Path(program))


def test_a_given_file_that_is_no_program_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"\x7fELF but not really")
    file.chmod(0o755)
    with pytest.raises(BadInput, match="no User-Mode Linux kernel"):
        find(tmp_path, file)


def test_a_missing_tool_is_named_with_the_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "ENVIRONMENT", {"PATH": str(tmp_path)})
    with pytest.raises(CannotRun) as caught:
        build.ensure(tmp_path, print)
    assert "flex, bison" in caught.value.message
    assert caught.value.remedy.startswith("run: sudo apt-get install -y ")
    assert "bison" in caught.value.remedy


def test_without_room_the_build_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "missing_tools", lambda: ())
    monkeypatch.setattr(build, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(CannotRun, match="less than 2 GB free"):
        build.ensure(tmp_path, print)


def slow_build(cache: Path, work: Path, progress: object) -> object:
    (work / "half").touch()
    time.sleep(60)
    raise AssertionError


def begin(cache: Path) -> None:
    build._build = slow_build  # type: ignore[assignment]
    build.missing_tools = lambda: ()  # type: ignore[assignment]
    build.ensure(cache, print)


def test_a_build_that_was_killed_leaves_nothing_that_looks_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "missing_tools", lambda: ())
    process = multiprocessing.get_context("fork").Process(target=begin, args=(tmp_path,))
    process.start()
    while not list(tmp_path.glob("kernel/building-*/half")):
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert find(tmp_path) is None

    seen: list[list[Path]] = []

    def quick(cache: Path, work: Path, progress: object) -> object:
        seen.append(list((cache / "kernel").glob("building-*")))
        return put(cache, "7.3.4")

    monkeypatch.setattr(build, "_build", quick)
    build.ensure(tmp_path, print)
    assert len(seen[0]) == 1, "what the killed build left is removed before the next begins"
    assert list(tmp_path.glob("kernel/building-*")) == []


def test_a_second_build_waits_for_the_first_and_takes_its_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "missing_tools", lambda: ())
    said: list[str] = []

    def finish_the_other(line: str) -> None:
        said.append(line)
        put(tmp_path, "7.3.4")
        process.kill()

    process = multiprocessing.get_context("fork").Process(target=begin, args=(tmp_path,))
    process.start()
    while not list(tmp_path.glob("kernel/building-*/half")):
        time.sleep(0.01)
    kernel = build.ensure(tmp_path, finish_the_other)
    process.join()
    assert said == ["another run builds the guest kernel: waiting for it"]
    assert kernel.release == "7.3.4"


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    words = ["sh", "-c", "sleep 1000 & echo $!; wait"]
    lines: list[str] = []
    with pytest.raises(CannotRun, match="took longer than 1 s"):
        command.follow(
            words, folder=tmp_path, what="waiting", remedy="", limit=1.0, line=lines.append
        )
    status = Path(f"/proc/{lines[0]}/stat")
    assert not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_a_failure_shows_the_line_that_tells(tmp_path: Path) -> None:
    words = ["sh", "-c", "echo one; echo 'x.c:3: error: no such thing'; echo last; exit 2"]
    with pytest.raises(CannotRun, match=r"compiling failed: x\.c:3: error: no such thing"):
        command.follow(words, folder=tmp_path, what="compiling", remedy="", limit=10)


def test_without_any_source_both_reasons_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {**command.ENVIRONMENT, "APT_CONFIG": str(tmp_path / "apt.conf")}
    (tmp_path / "apt.conf").write_text(
        f'Dir::State "{tmp_path}"; Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "-";\n'
        f'Dir::Cache "{tmp_path}";\n'
    )
    monkeypatch.setattr(command, "ENVIRONMENT", empty)
    with pytest.raises(CannotRun, match="knows no mirror of Debian; apt knows no package"):
        source.newest(tmp_path, print)
