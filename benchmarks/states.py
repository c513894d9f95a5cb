"""States of the machine that try to make a run differ, and what runs leave in them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "determinism.py"
"""The command that performs one job in a fresh process."""

ORDINARY = 10007
LIMIT = 300.0
CACHE = "cache"
DEEP = "one/two/three/four/five, with a rather long name: Übungsblätter für das Labor"
PARTS = ("echolab", "echo_app", "scenarios", "examples", "benchmarks")


@dataclasses.dataclass(frozen=True)
class Left:
    """Digests of what a run left: its record without wall time, its figures, its captures."""

    record: str
    figures: str
    captures: str


@dataclasses.dataclass(frozen=True)
class Stage:
    """Where the runs happen: copies of the project and the kernel that everybody can read."""

    folder: Path
    project: str = "echolab"

    @property
    def root(self) -> Path:
        """The project's copy."""
        return self.folder / self.project

    def deeper(self) -> Stage:
        """The same with the project in a folder with a long name, deeply nested."""
        below = dataclasses.replace(self, project=f"{DEEP}/echolab")
        if not below.root.exists():
            shutil.copytree(self.root, below.root)
        return below

    @property
    def cache(self) -> Path:
        """The cache with the kernel."""
        return self.folder / "cache"


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A stage, its kernel built first if necessary; removed afterwards."""
    from echolab.kernel import build
    from echolab.settings import Settings

    here = Settings.from_environment(os.environ)
    kernel = build.ensure(here.cache, lambda line: print(line, file=sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        made = Stage(Path(folder))
        made.folder.chmod(0o755)
        for name in PARTS:
            shutil.copytree(ROOT / name, made.root / name)
        shutil.copy(ROOT / "compose.yaml", made.root)
        shutil.copytree(kernel.path.parent, made.cache / "kernel" / kernel.path.parent.name)
        yield made


def interpreter() -> str:
    """An interpreter that an ordinary user may run, too."""
    system = Path("/usr/bin/python3")
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        new = "import sys; sys.exit(sys.version_info < (3, 11))"
        subprocess.run([system, "-c", new], check=True)
        return str(system)
    return sys.executable


def argv(on: Stage, job: Path, folder: Path, leak: str = "") -> list[str]:
    """The command that performs one job in a fresh process."""
    program = on.root / "benchmarks" / PROGRAM
    own = folder / CACHE
    cache = own if own.is_dir() else on.cache
    words = ["--perform", str(job), "--folder", str(folder), "--cache", str(cache)]
    return [interpreter(), "-B", str(program), *words, *(["--leak", leak] if leak else [])]


def digest_of(
    command: Sequence[str],
    meanwhile: Callable[[subprocess.Popen[str]], None] = lambda process: None,
    **how: Any,
) -> Left:
    """The digests that a run's process printed."""
    process: subprocess.Popen[str] = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how
    )
    try:
        meanwhile(process)
        output, errors = process.communicate(timeout=LIMIT)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise SystemExit(f"a run failed:\n{errors}")
    return Left(**json.loads(output))


@contextlib.contextmanager
def run_folder(on: Stage, owner: int = 0) -> Iterator[Path]:
    """A new folder for one run; one of another user has a cache of its own in it."""
    with tempfile.TemporaryDirectory(dir=on.folder) as folder:
        if owner:
            own = Path(folder, CACHE)
            own.mkdir()
            (own / "kernel").symlink_to(on.cache / "kernel")
            for place in (folder, own):
                os.chown(place, owner, owner)
        yield Path(folder)


def idle(on: Stage, job: Path) -> Left:
    """Nothing special."""
    with run_folder(on) as folder:
        return digest_of(argv(on, job, folder))


def busy(on: Stage, job: Path) -> Left:
    """Four processes compute all the time."""
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        return idle(on, job)
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def one_core(on: Stage, job: Path) -> Left:
    """One processor for everything."""
    one = str(max(os.sched_getaffinity(0)))
    with run_folder(on) as folder:
        return digest_of(["taskset", "-c", one, *argv(on, job, folder)])


def stopped(on: Stage, job: Path) -> Left:
    """Stopped and continued at moments drawn by chance, the kernel and all its processes."""

    def meanwhile(process: subprocess.Popen[str]) -> None:
        for _ in range(5):
            time.sleep(random.uniform(0.02, 0.12))  # noqa: S311
            family = descendants(process.pid)
            for sign in (signal.SIGSTOP, signal.SIGCONT):
                for pid in family:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, sign)
                time.sleep(0.03)

    with run_folder(on) as folder:
        return digest_of(argv(on, job, folder), meanwhile)


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in children for found in (int(child), *descendants(int(child)))]


def not_randomised(on: Stage, job: Path) -> Left:
    """Without the machine's address randomisation, which the other runs have."""
    with run_folder(on) as folder:
        return digest_of(["setarch", "--addr-no-randomize", *argv(on, job, folder)])


def elsewhere(on: Stage, job: Path) -> Left:
    """Another working directory, environment and locale."""
    noise = {f"NOISE_{number}": "x" * number for number in range(random.randrange(1, 200))}  # noqa: S311
    places = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "Asia/Kathmandu"}
    environment = noise | places | {"LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "7"}
    with run_folder(on) as folder:
        return digest_of(argv(on, job, folder), cwd="/var", env=environment)


def cold(on: Stage, job: Path) -> Left:
    """Without the machine's page and directory caches, if this user may drop them."""
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    return idle(on, job)


def copies(on: Stage, job: Path) -> Left:
    """Every file of ours replaced by a copy, with another inode and other times."""
    for file in sorted((*on.root.rglob("*"), *on.cache.rglob("*"))):
        if file.is_file():
            copy = file.with_name(f"{file.name}.copy")
            shutil.copy(file, copy)
            copy.replace(file)
    return idle(on, job)


def secretive(on: Stage, job: Path) -> Left:
    """What is made is for its owner alone (umask)."""
    with run_folder(on) as folder:
        return digest_of(argv(on, job, folder), umask=0o077)


def deeper(on: Stage, job: Path) -> Left:
    """The project and the script in a folder with a long name, deeply nested."""
    below = on.deeper()
    moved = changed(job, script=lambda path: path.replace(str(on.root), str(below.root)))
    with run_folder(on) as folder:
        return digest_of(argv(below, moved, folder))


def without_captures(on: Stage, job: Path) -> Left:
    """Nobody listens to the network."""
    return idle(on, changed(job, capture=lambda capture: False))


def changed(job: Path, **how: Callable[[Any], Any]) -> Path:
    """A copy of a job's file in which some names have other values."""
    document = json.loads(job.read_text())
    for name, change in how.items():
        document[name] = change(document[name])
    copy = job.with_name(f"{job.stem}-{'-'.join(how)}.json")
    copy.write_text(json.dumps(document))
    return copy


def ordinary_user(on: Stage, job: Path) -> Left:
    """As an ordinary user; if this already is one, as itself."""
    if os.getuid() != 0:
        return idle(on, job)
    with run_folder(on, ORDINARY) as folder:
        who: dict[str, Any] = {"user": ORDINARY, "group": ORDINARY, "extra_groups": []}
        return digest_of(argv(on, job, folder), **who)


def container(on: Stage, job: Path) -> Left:
    """In a container of Docker without capabilities, on this machine's own files."""
    with run_folder(on, ORDINARY) as folder, _bare_image() as image:
        readable = [f"--volume={path}:{path}:ro" for path in ("/usr", "/etc")]
        rights = ["--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none"]
        places = [f"--volume={on.folder}:{on.folder}:ro", f"--volume={folder}:{folder}"]
        memory = ["--tmpfs=/var/tmp:exec,mode=1777,size=600m", "--tmpfs=/tmp:exec,size=600m"]
        who = [f"--user={ORDINARY}:{ORDINARY}", "--workdir=/"]
        return digest_of(
            [
                "docker",
                "run",
                "--rm",
                *who,
                *rights,
                *readable,
                *places,
                *memory,
                image,
                *argv(on, job, folder),
            ]
        )


@contextlib.contextmanager
def _bare_image() -> Iterator[str]:
    """An image with only the links to /usr that every Debian has."""
    name = f"echolab-bare:{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder:
        for link in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            if Path(f"/{link}").is_symlink():
                (Path(folder) / link).symlink_to(f"usr/{link}")
        for empty in ("usr", "etc", "opt", "proc", "sys", "dev", "tmp", "run", "var"):
            (Path(folder) / empty).mkdir()
        packed = subprocess.run(
            ["tar", "--create", f"--directory={folder}", "."], stdout=subprocess.PIPE, check=True
        ).stdout
    subprocess.run(
        ["docker", "import", "-", name], input=packed, stdout=subprocess.DEVNULL, check=True
    )
    try:
        yield name
    finally:
        subprocess.run(["docker", "rmi", name], stdout=subprocess.DEVNULL, check=False)


def docker_answers() -> bool:
    """Whether a Docker daemon can be asked for the state `container`."""
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


STATES: tuple[Callable[[Stage, Path], Left], ...] = (
    idle,
    busy,
    one_core,
    stopped,
    not_randomised,
    elsewhere,
    cold,
    copies,
    secretive,
    deeper,
    without_captures,
    ordinary_user,
    container,
)


COMPARABLE: Mapping[Callable[[Stage, Path], Left], Callable[[Left], object]] = {
    deeper: lambda left: (left.figures, left.captures),
    without_captures: lambda left: left.figures,
}
"""What must be the same in a state in which the record itself differs."""


def same(state: Callable[[Stage, Path], Left], left: Left, expected: Left) -> bool:
    """Whether a run left what it must leave in that state."""
    what = COMPARABLE.get(state)
    return left == expected if what is None else what(left) == what(expected)


def possible() -> list[Callable[[Stage, Path], Left]]:
    """The states that this machine can be brought into."""
    return [state for state in STATES if state is not container or docker_answers()]
