"""A booted guest: its seed, its end on every path, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from echolab.engines.exact.engine import interpreter
from echolab.errors import CannotRun
from echolab.kernel import build
from echolab.kernel.arguments import RealTime
from echolab.kernel.boot import PRIVATE, Boot, Ended, Guest, guest_path
from echolab.kernel.image import Kernel
from echolab.kernel.memory import choose_folder
from echolab.settings import Settings
from tests.needs import lacking

pytestmark = pytest.mark.exact

ROOT = Path(__file__).resolve().parents[2]

PROLOGUE = """
import ctypes, os, time
libc = ctypes.CDLL(None)
def off():
    libc.reboot(0x4321FEDC)
"""

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    here = Settings.from_environment(os.environ)
    found = build.find(here.cache, here.kernel)
    if found is None:
        lacking("the guest kernel is not built; run: ./lab build kernel")
    return found


@pytest.fixture
def run(kernel: Kernel, tmp_path: Path) -> Run:
    """Boots a guest whose init is this Python text, and waits for its end."""

    def boot(text: str, limit: float = 60.0, memory: int = 256, **more: object) -> Ended:
        (tmp_path / "init.py").write_text(PROLOGUE + textwrap.dedent(text))
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        links = {"python": interpreter(), "init.py": tmp_path / "init.py"}
        words = (guest_path("python"), "-S", "-E", "-B", guest_path("init.py"))
        made = Boot(words, memory=memory, **more)  # type: ignore[arg-type]
        where = choose_folder(memory, tmp_path).path
        with Guest(kernel, made, folder, where, links=links) as guest:
            ended = guest.wait(limit)
            pid = guest.pid
        assert not (folder / PRIVATE).exists()
        assert list(folder.iterdir()) == []
        await_end(pid)
        return ended

    return boot


def test_the_guest_powers_off_with_status_0(run: Run) -> None:
    ended = run("print('here', flush=True)\noff()", seed=1)
    assert ended.status == 0
    assert "here" in ended.console


def test_the_seed_decides_what_is_drawn_by_chance(run: Run) -> None:
    draws = [
        run("print('drew', os.urandom(16).hex(), flush=True)\noff()", seed=seed, memory=memory)
        for seed, memory in ((1, 256), (1, 256), (1, 384), (2, 256), (None, 256), (None, 256))
    ]
    lines = [drew(ended) for ended in draws]
    assert lines[0] == lines[1] == lines[2]
    assert len({lines[0], *lines[3:]}) == 4


def test_time_is_virtual_and_starts_at_the_same_moment(run: Run) -> None:
    ended = run("time.sleep(3600)\nprint('at', round(time.time()), flush=True)\noff()", seed=1)
    assert "at 1700003600" in ended.console
    assert ended.wall_seconds < 60


def test_an_init_that_ends_is_a_panic_and_does_not_hang(run: Run) -> None:
    ended = run("raise SystemExit(3)")
    assert not ended.timed_out
    assert ended.status != 0
    assert "Attempted to kill init" in ended.console


def test_a_guest_that_waits_forever_is_ended_by_the_wall_clock(run: Run) -> None:
    ended = run("import signal\nsignal.pause()", limit=2.0)
    assert ended.timed_out


def test_a_guest_that_spins_is_ended_by_the_wall_clock(run: Run) -> None:
    ended = run("while True: pass", limit=2.0)
    assert ended.timed_out
    assert ended.status == -signal.SIGKILL


def test_a_guest_without_memory_ends_and_says_so(run: Run) -> None:
    ended = run("kept = []\nwhile True: kept.append(bytearray(b'x') * 1000000)", memory=64)
    assert not ended.timed_out
    assert "Out of memory" in ended.console or "deadlocked on memory" in ended.console


def test_the_console_keeps_only_its_end(run: Run) -> None:
    text = "for n in range(30000): print('line', n)\nprint('last', flush=True)\noff()"
    ended = run(text)
    assert len(ended.console) <= 64 * 1024
    assert "last" in ended.console
    assert "line 100\n" not in ended.console


def test_real_time_passes_in_real_time(run: Run) -> None:
    ended = run("time.sleep(0.5)\noff()", clock=RealTime())
    assert ended.status == 0
    assert ended.wall_seconds >= 0.5


def test_system_calls_can_be_caught_by_ptrace_alone(run: Run) -> None:
    assert run("print('traced', flush=True)\noff()", ptrace=True).status == 0


def test_memory_on_a_disk_gives_the_same_draws(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "print('drew', os.urandom(16).hex(), time.time(), flush=True)\noff()"
    in_memory = drew(run(text, seed=4))
    monkeypatch.setattr("echolab.kernel.memory.usual_folders", lambda: ())
    assert drew(run(text, seed=4)) == in_memory


def test_a_file_that_is_not_a_program_cannot_be_started(kernel: Kernel, tmp_path: Path) -> None:
    broken = tmp_path / "linux"
    broken.write_bytes(b"no kernel")
    broken.chmod(0o755)
    other = Kernel(broken, kernel.preload, "7.3.4", "made", "")
    with pytest.raises(CannotRun, match="cannot be started"):
        Guest(other, Boot(("/sbin/init",)), tmp_path, tmp_path)
    assert not (tmp_path / PRIVATE).exists()


def test_sigkill_of_the_controller_leaves_no_process(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "init.py").write_text("import os\nos.fork()\nwhile True: pass\n")
    controller = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from echolab.kernel.boot import Boot, Guest, guest_path
        from echolab.kernel.image import Kernel
        here = Path({str(tmp_path)!r})
        kernel = Kernel(Path({str(kernel.path)!r}), Path({str(kernel.preload)!r}), "7.3", "", "")
        links = {{"python": Path({str(interpreter())!r}), "init.py": here / "init.py"}}
        boot = Boot((guest_path("python"), "-S", "-E", "-B", guest_path("init.py")))
        guest = Guest(kernel, boot, here, here, links=links)
        print(guest.pid, flush=True)
        guest.wait(60)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", controller], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    group = int(process.stdout.readline())
    while len(members(group)) < 2:
        time.sleep(0.01)
    process.kill()
    process.wait()
    await_end(group)


def drew(ended: Ended) -> str:
    """The line in which the guest told what it drew."""
    return next(line for line in ended.console.splitlines() if line.startswith("drew"))


def await_end(group: int) -> None:
    """Wait until nothing of a process group lives: what was killed takes a moment to die."""
    deadline = time.monotonic() + 10
    while members(group):
        assert time.monotonic() < deadline, members(group)
        time.sleep(0.01)


def members(group: int) -> list[str]:
    """The processes of a group that still live (a zombie is dead)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(entry.parent.name)
    return found


def test_parent_and_child_keep_their_own_memory_whoever_writes_first(run: Run) -> None:
    ended = run(
        """
        import mmap, os
        size, pages = mmap.PAGESIZE, 200
        memory = mmap.mmap(-1, pages * size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        told = mmap.mmap(-1, size)  # shared by both

        def numbers():
            return bytes(memory[page * size] for page in range(pages))

        for page in range(pages):
            memory[page * size] = page
        before = numbers()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            memory[100 * size] = 1
            assert numbers() == before[:100] + bytes([1]) + before[101:]
            os.read(reading, 1)
            memory[7 * size] = 2
            assert memory[6 * size] == 6 and memory[8 * size] == 8
            told[0] = 9
            os._exit(0)
        assert numbers() == before
        memory[8 * size] = 3
        memory[101 * size] = 4
        os.write(writing, b"x")
        print("status", os.waitpid(child, 0)[1], "told", told[0], flush=True)
        assert memory[7 * size] == 7 and memory[100 * size] == 100
        print("kept", flush=True)
        off()
        """,
        seed=1,
    )
    assert "status 0 told 9" in ended.console and "kept" in ended.console, ended.console
