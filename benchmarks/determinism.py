"""The same seed, again and again, in states of the machine that try to make it differ.

    .venv/bin/python -m benchmarks.determinism [--runs N] [--programs [NAME ...]] [--leaks]

Four scenarios run N times each (100 by default), every time in a fresh process, with the machine
in each of the states of `benchmarks/states.py` in turn. Every record (except for wall time) and
every capture must be the same, or the part of it that a state leaves comparable; another seed must
differ. `--programs` runs servers and programs in many languages instead: the named ones, or all of
`benchmarks/languages.py` (20 times each are enough: `--runs 20`).
`--leaks` lets the machine's clock, its entropy or a file time in on purpose: then runs must differ,
or this command could not find a leak.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.states import (  # noqa: E402 (found by the line above)
    Left,
    Stage,
    argv,
    digest_of,
    idle,
    possible,
    run_folder,
    same,
    stage,
)

if TYPE_CHECKING:
    from benchmarks.languages import Language, Server
    from echolab.job import Job

SCENARIOS: Mapping[str, Mapping[str, str]] = {
    "loss": {"count": "60"},
    "reorder": {"count": "60"},
    "contrast": {"count": "40"},
    "rate": {},
}
SEED = 20261124

LEAKY = '''"""A planted leak."""
import os
from echolab import Lab, scenario

@scenario(sentence="planted", baseline=False)
def leak(lab: Lab) -> None:
    lab.expect("a file time", True, seen=os.stat("/run/echolab/request.json").st_mtime_ns)
'''


PLACES = ("script", "compose", "folder", "captures")
"""The parts of a record that name files."""

HOOK = "clsact"
"""The hook of a device by which its packets are captured; with captures, the kernel shows it."""

FRAMED = "framed"
"""What a host's captures count of the frames that it hands to its link."""


def perform(job_file: Path, folder: Path, cache: Path, leak: str) -> Left:
    """Perform one job here and return digests of everything that it left."""
    from echolab.engines.exact import engine
    from echolab.job import Job
    from echolab.kernel.boot import Boot, FreeRunning
    from echolab.record.format import load, plain, read
    from echolab.settings import Settings

    if leak == "entropy":
        vars(engine)["Boot"] = lambda **given: Boot(**{**given, "seed": None})
    if leak == "clock":
        now = FreeRunning(time.time_ns())
        vars(engine)["Boot"] = lambda **given: Boot(**{**given, "clock": now})
    job = read(Job, load(job_file.read_text(), str(job_file)), str(job_file))
    record = engine.run(job, Settings(folder, cache, ROOT / "compose.yaml"), lambda line: None)
    document: Any = plain(record)
    captures = b"".join(file.read_bytes() for file in sorted(folder.glob("*.pcap")))
    return Left(
        digest(document),
        digest(figures(document)),
        digest_bytes(captures),
    )


def figures(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record without what names files, or tells of captures."""
    return {name: _uncaptured(part) for name, part in document.items() if name not in PLACES}


def _uncaptured(value: Any) -> Any:
    """A part of a record without what captures count, and what the kernel shows of them."""
    if isinstance(value, Mapping):
        return {name: _uncaptured(part) for name, part in value.items() if name != FRAMED}
    if isinstance(value, (list, tuple)):
        return [_uncaptured(part) for part in value if not _is_hook(part)]
    return value


def _is_hook(value: Any) -> bool:
    """Whether a part is a hook that the kernel shows, or the command that made it."""
    return isinstance(value, Mapping) and (
        value.get("kind") == HOOK or HOOK in (value.get("argv") or ())
    )


def digest(value: Any) -> str:
    """A digest of a value that JSON can hold."""
    return digest_bytes(json.dumps(value, sort_keys=True).encode())


def digest_bytes(content: bytes) -> str:
    """A digest of bytes."""
    return hashlib.sha256(content).hexdigest()


def job_file(on: Stage, name: str, seed: int) -> Path:
    """The file with the job of a scenario or of a program, written on first use."""
    from echolab.record.format import plain

    file = on.folder / f"{name}-{seed}.json"
    if not file.exists():
        file.write_text(json.dumps(plain(_job(on, name, seed))))
    return file


def _job(on: Stage, name: str, seed: int) -> Job:
    from benchmarks import languages
    from echolab.runs import catalogue
    from echolab.runs.catalogue import Entry
    from echolab.scenario import script

    if name in languages.SERVERS:
        return languages.serve(name, languages.SERVERS[name], seed, on.root)
    if name in languages.LANGUAGES:
        return languages.talk(name, seed, on.root, on.folder / "programs")
    path = on.root / "scenarios" / f"{name}.py"
    if name == "leak":
        path = on.folder / "leak.py"
        path.write_text(LEAKY)
    hosts = catalogue.topology(ROOT / "compose.yaml")
    entry = Entry(script.find(path, name), path)
    return catalogue.job(entry, hosts, SCENARIOS.get(name, {}), seed, capture=True)


def programs(names: Sequence[str]) -> list[str]:
    """The programs of those names, or all, without those that this machine cannot make or start."""
    from benchmarks.languages import LANGUAGES, SERVERS

    known: Mapping[str, Language | Server] = {**SERVERS, **LANGUAGES}
    found = []
    for name in names or known:
        if lacks := known[name].lacks():
            print(f"{name}: not run, {lacks} is not there")
        else:
            found.append(name)
    return found


def leaking(on: Stage, leak: str) -> set[Left]:
    """The digests of two runs into which something of the machine leaks."""
    name = "leak" if leak == "file time" else "loss"
    found = set()
    guest = on.root / "echolab" / "guest.py"
    text = guest.read_text()
    if BEGINS not in text:
        raise SystemExit(f"{guest} does not begin a lab as this benchmark knows it")
    try:
        if leak == "entropy":
            guest.write_text(text.replace(BEGINS, ""))
        for _ in range(2):
            with run_folder(on) as folder:
                shown = leak if leak != "file time" else ""
                found.add(digest_of(argv(on, job_file(on, name, SEED), folder, shown)))
    finally:
        guest.write_text(text)
    return found


LEAKS = ("clock", "entropy", "file time")

BEGINS = "    linux.begin_lab(seed, step=10**9)\n"
"""The line of the guest's program that makes all chance follow from the job's seed."""


def main() -> int:
    """Print the results of each scenario's runs; return status 0 if all are as they must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--leaks", action="store_true")
    parser.add_argument("--programs", nargs="*", metavar="NAME")
    for name in ("perform", "folder", "cache"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--leak", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.perform:
        left = perform(given.perform, given.folder, given.cache, given.leak)
        print(json.dumps(dataclasses.asdict(left)))
        return 0
    with stage() as on:
        if given.leaks:
            return leaks(on)
        return compare(
            on, SCENARIOS if given.programs is None else programs(given.programs), given.runs
        )


def leaks(on: Stage) -> int:
    """Report for each planted leak whether it was found."""
    missed = 0
    for leak in LEAKS:
        found = len(leaking(on, leak)) > 1
        missed += not found
        print(f"planted leak, {leak}: {'found' if found else 'MISSED'}")
    return 1 if missed else 0


def compare(on: Stage, names: Iterable[str], runs: int) -> int:
    """Run each scenario or program in every state, and with another seed."""
    failed = 0
    known = possible()
    for name in names:
        expected = idle(on, job_file(on, name, SEED))
        differing: dict[str, int] = {}
        for number in range(runs):
            state = known[number % len(known)]
            if not same(state, state(on, job_file(on, name, SEED)), expected):
                differing[state.__name__] = differing.get(state.__name__, 0) + 1
        other = idle(on, job_file(on, name, SEED + 1)) != expected
        alike = runs - sum(differing.values())
        print(
            f"{name}: {alike} of {runs} identical; another seed differs: {other}",
            differing or "",
            flush=True,
        )
        failed += bool(differing) or not other
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
