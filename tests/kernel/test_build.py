"""The cache of kernels, its lock, and what is said where a kernel cannot be had."""

from __future__ import annotations

import json
import multiprocessing
import os
import select
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
def test_a_damaged_kernel_is_not_used(tmp_path: Path, lost: str) -> None:
    (put(tmp_path, "7.3.4") / lost).unlink()
    assert find(tmp_path) is None


def test_a_changed_recipe_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "7.3.4")
    assert find(tmp_path) is not None
    monkeypatch.setattr(config, "PATCHES", ())
    assert find(tmp_path) is None


def test_a_given_kernel_that_is_missing_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no kernel at"):
        find(tmp_path, tmp_path / "none")


def test_a_given_file_that_is_not_executable_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "kernel"
    file.write_text("text")
    with pytest.raises(BadInput, match="is not executable"):
        find(tmp_path, file)


@pytest.mark.parametrize("program", ["/bin/true", "/bin/ls"])
def test_a_given_program_that_is_not_a_kernel_is_bad_input(tmp_path: Path, program: str) -> None:
    with pytest.raises(BadInput, match="not a User-Mode Linux kernel"):
        find(tmp_path, Path(program))


def test_a_given_file_that_is_not_a_program_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"\x7fELF but not really")
    file.chmod(0o755)
    with pytest.raises(BadInput, match="not a User-Mode Linux kernel"):
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
    with pytest.raises(CannotRun, match="less than the 2 GB free"):
        build.ensure(tmp_path, print)


def slow_build(cache: Path, work: Path, progress: object) -> object:
    (work / "half").touch()
    time.sleep(60)
    raise AssertionError


def begin(cache: Path) -> None:
    build._build = slow_build  # type: ignore[assignment]
    build.missing_tools = lambda: ()
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
    assert said == ["waiting for another run that is building the guest kernel"]
    assert kernel.release == "7.3.4"


def until_ended(pid: int) -> None:
    """Wait for the end of a process that was killed; it may still be dying, on a busy machine."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], 10)[0], "it was not ended"
    finally:
        os.close(process)


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    words = ["sh", "-c", "sleep 1000 & echo $!; wait"]
    lines: list[str] = []
    with pytest.raises(CannotRun, match="took longer than 1 s"):
        command.follow(
            words, folder=tmp_path, what="waiting", remedy="", limit=1.0, line=lines.append
        )
    until_ended(int(lines[0]))


def test_a_command_ends_with_the_process_that_follows_it(tmp_path: Path) -> None:
    def follow() -> None:
        command.follow(["sleep", "1000"], folder=tmp_path, what="waiting", remedy="", limit=100.0)

    process = multiprocessing.get_context("fork").Process(target=follow)
    process.start()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (found := children.read_text().split()):
        time.sleep(0.01)
    sleeper = Path(f"/proc/{found[0]}")
    while sleeper.joinpath("comm").read_text() != "sleep\n":
        time.sleep(0.01)
    ended = os.pidfd_open(int(found[0]))
    try:
        process.kill()
        process.join()
        assert select.select([ended], [], [], 10.0)[0]
    finally:
        os.close(ended)


def test_a_failure_shows_the_line_that_explains_it(tmp_path: Path) -> None:
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
    with pytest.raises(CannotRun, match="knows no Debian mirror; apt knows no linux-source"):
        source.newest(tmp_path, print)
