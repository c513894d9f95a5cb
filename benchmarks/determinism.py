"""The same seed, again and again, in states of the machine that try to make it differ.

    python benchmarks/determinism.py [--runs N] [--leaks]

Three scenarios run N times each (100 unless said otherwise), every time in a fresh process,
with the machine in each of the states below in turn. Every record (wall time apart) and
every capture must be the same; another seed must differ. With `--leaks` the clock, the
entropy or a file time of the machine is let in on purpose: then runs must differ, or this
command could not find a leak.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
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
sys.path.insert(0, str(ROOT))

SCENARIOS: Mapping[str, Mapping[str, str]] = {
    "loss": {"count": "60"},
    "reorder": {"count": "60"},
    "contrast": {"count": "40"},
}
SEED = 20261124
ORDINARY = 10007
LIMIT = 120.0
PARTS = ("echolab", "echo_app", "scenarios", "benchmarks")

LEAKY = '''"""A planted leak."""
import os
from echolab import Lab, scenario

@scenario(sentence="planted", baseline=False)
def leak(lab: Lab) -> None:
    lab.expect("a file time", True, seen=os.stat("/run/echolab/request.json").st_mtime_ns)
'''


def perform(job_file: Path, folder: Path, cache: Path, leak: str) -> str:
    """Perform one job here and return a digest of all that it left, wall time apart."""
    from echolab.engines import Settings, exact
    from echolab.job import Job
    from echolab.kernel.boot import Boot, FreeRunning

    if leak == "entropy":
        exact.Boot = lambda **given: Boot(**{**given, "seed": None})  # type: ignore[assignment,misc]
    if leak == "clock":
        now = FreeRunning(time.time_ns())
        exact.Boot = lambda **given: Boot(**given, clock=now)  # type: ignore[assignment,misc]
    job = Job.from_json(json.loads(job_file.read_text()))
    record = exact.run(job, Settings(folder, cache, ROOT / "compose.yaml"), lambda line: None)
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for capture in sorted(folder.glob("*.pcap")):
        digest.update(capture.read_bytes())
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Stage:
    """Where the runs happen: copies of the project and the kernel that everybody can read."""

    folder: Path

    @property
    def root(self) -> Path:
        """The project's copy."""
        return self.folder / "echolab"

    @property
    def cache(self) -> Path:
        """The cache with the kernel."""
        return self.folder / "cache"

    def job(self, name: str, seed: int) -> Path:
        """The file with the job of a scenario, written on first use."""
        from echolab import catalogue, script
        from echolab.catalogue import Entry

        file = self.folder / f"{name}-{seed}.json"
        if not file.exists():
            path = self.root / "scenarios" / f"{name}.py"
            if name == "leak":
                path = self.folder / "leak.py"
                path.write_text(LEAKY)
            hosts = catalogue.topology(ROOT / "compose.yaml")
            entry = Entry(script.find(path, name), path)
            job = catalogue.job(entry, hosts, SCENARIOS.get(name, {}), seed, capture=True)
            file.write_text(json.dumps(job.to_json()))
        return file


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A stage, its kernel built first where it must be; removed afterwards."""
    from echolab.cli import settings
    from echolab.kernel import build

    here = settings()
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
    program = on.root / "benchmarks" / Path(__file__).name
    words = ["--perform", str(job), "--folder", str(folder), "--cache", str(on.cache)]
    return [interpreter(), "-B", str(program), *words, *(["--leak", leak] if leak else [])]


def digest_of(
    command: Sequence[str],
    meanwhile: Callable[[subprocess.Popen[str]], None] = lambda process: None,
    **how: Any,
) -> str:
    """The digest that a run's process printed."""
    process = subprocess.Popen(
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
    return output.strip()


@contextlib.contextmanager
def run_folder(on: Stage, owner: int = 0) -> Iterator[Path]:
    """A new folder for one run."""
    with tempfile.TemporaryDirectory(dir=on.folder) as folder:
        if owner:
            os.chown(folder, owner, owner)
        yield Path(folder)


def idle(on: Stage, job: Path) -> str:
    """Nothing special."""
    with run_folder(on) as folder:
        return digest_of(argv(on, job, folder))


def busy(on: Stage, job: Path) -> str:
    """Four processes compute all the time."""
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        return idle(on, job)
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def one_core(on: Stage, job: Path) -> str:
    """One processor for everything."""
    one = str(max(os.sched_getaffinity(0)))
    with run_folder(on) as folder:
        return digest_of(["taskset", "-c", one, *argv(on, job, folder)])


def stopped(on: Stage, job: Path) -> str:
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


def not_randomised(on: Stage, job: Path) -> str:
    """Without the machine's address randomisation, which the other runs have."""
    with run_folder(on) as folder:
        return digest_of(["setarch", "--addr-no-randomize", *argv(on, job, folder)])


def elsewhere(on: Stage, job: Path) -> str:
    """Another working directory, environment and locale."""
    noise = {f"NOISE_{number}": "x" * number for number in range(random.randrange(1, 200))}  # noqa: S311
    places = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "Asia/Kathmandu"}
    environment = noise | places | {"LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "7"}
    with run_folder(on) as folder:
        return digest_of(argv(on, job, folder), cwd="/var", env=environment)


def cold(on: Stage, job: Path) -> str:
    """Without the machine's page and directory caches, where one may drop them."""
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    return idle(on, job)


def copies(on: Stage, job: Path) -> str:
    """Every file of ours replaced by a copy of it, which has another inode and other times."""
    for file in sorted((*on.root.rglob("*"), *on.cache.rglob("*"))):
        if file.is_file():
            copy = file.with_name(f"{file.name}.copy")
            shutil.copy(file, copy)
            copy.replace(file)
    return idle(on, job)


def ordinary_user(on: Stage, job: Path) -> str:
    """As an ordinary user; where this is one, as itself."""
    if os.getuid() != 0:
        return idle(on, job)
    with run_folder(on, ORDINARY) as folder:
        who = {"user": ORDINARY, "group": ORDINARY, "extra_groups": []}
        return digest_of(argv(on, job, folder), **who)


def container(on: Stage, job: Path) -> str:
    """In a container of Docker without capabilities, on this machine's own files."""
    with run_folder(on, ORDINARY) as folder, _bare_image() as image:
        readable = [f"--volume={path}:{path}:ro" for path in ("/usr", "/etc")]
        rights = ["--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none"]
        places = [f"--volume={on.folder}:{on.folder}:ro", f"--volume={folder}:{folder}"]
        memory = ["--tmpfs=/var/tmp:exec,mode=1777,size=600m", "--tmpfs=/tmp:exec,size=600m"]
        who = [f"--user={ORDINARY}:{ORDINARY}", "--workdir=/"]
        return digest_of(
            [
                *("docker", "run", "--rm", *who, *rights),
                *(*readable, *places, *memory, image, *argv(on, job, folder)),
            ]
        )


@contextlib.contextmanager
def _bare_image() -> Iterator[str]:
    """An image with nothing in it but the links to /usr that every Debian has."""
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


STATES: tuple[Callable[[Stage, Path], str], ...] = (
    *(idle, busy, one_core, stopped, not_randomised, elsewhere, cold, copies),
    *(ordinary_user, container),
)


def states() -> list[Callable[[Stage, Path], str]]:
    """The states that this machine can be brought into."""
    return [state for state in STATES if state is not container or docker_answers()]


def leaking(on: Stage, leak: str) -> set[str]:
    """The digests of two runs into which something of the machine leaks."""
    name = "leak" if leak == "file time" else "loss"
    found = set()
    for _ in range(2):
        with run_folder(on) as folder:
            shown = leak if leak != "file time" else ""
            found.add(digest_of(argv(on, on.job(name, SEED), folder, shown)))
    return found


LEAKS = ("clock", "entropy", "file time")


def main() -> int:
    """Print what each scenario's runs came to; status 0 where all are as they must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--leaks", action="store_true")
    for name in ("perform", "folder", "cache"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--leak", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.perform:
        print(perform(given.perform, given.folder, given.cache, given.leak))
        return 0
    with stage() as on:
        return leaks(on) if given.leaks else compare(on, given.runs)


def leaks(on: Stage) -> int:
    """Say of each planted leak whether it was found."""
    missed = 0
    for leak in LEAKS:
        found = len(leaking(on, leak)) > 1
        missed += not found
        print(f"planted leak, {leak}: {'found' if found else 'MISSED'}")
    return 1 if missed else 0


def compare(on: Stage, runs: int) -> int:
    """Run each scenario in every state, and with another seed."""
    failed = 0
    known = states()
    for name in SCENARIOS:
        expected = idle(on, on.job(name, SEED))
        differing: dict[str, int] = {}
        for number in range(runs):
            state = known[number % len(known)]
            if state(on, on.job(name, SEED)) != expected:
                differing[state.__name__] = differing.get(state.__name__, 0) + 1
        other = idle(on, on.job(name, SEED + 1)) != expected
        alike = runs - sum(differing.values())
        print(
            f"{name}: {alike} of {runs} identical; another seed differs: {other}", differing or ""
        )
        failed += bool(differing) or not other
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
