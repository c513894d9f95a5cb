"""How quick the exact engine is: lab seconds for each second of wall time.

    .venv/bin/python -m benchmarks.exact [--runs N]

- `./lab run loss` as a user types it, from the shell's prompt to the written record: with its
  defaults, and with 60 ms between messages, which takes more than 60 lab seconds.
- The same exchanges in a guest without echolab (bare_guest.sh: the kernel, `ip`, `tc` and
  the same programs): what the lab itself adds.
- A mebibyte over 10 Mbit/s, 20 ms and 1 % loss: a whole run with one, and each of eight more,
  without the fixed cost of a run.
- All scenarios (`./lab run`).

The median of N runs counts. Ends with status 0 if every bar is met. The kernel must be built.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from echolab.engines.exact import engine
from echolab.kernel import build
from echolab.kernel.boot import Boot, Guest, guest_path
from echolab.kernel.memory import choose_folder
from echolab.resources import ROOT
from echolab.settings import Settings

BARE = Path(__file__).with_name("bare_guest.sh")
LAB = Path(__file__).with_name("exact_lab.py")

LIMIT = 600.0
COUNT, INTERVAL = 500, 0.06
MORE = 8


@dataclasses.dataclass(frozen=True)
class Took:
    """Wall and lab seconds of one run."""

    wall: float
    lab: float

    @property
    def pace(self) -> float:
        return self.lab / self.wall


def lab(*words: str) -> Took:
    """One `./lab run …`, from the prompt to its end."""
    with tempfile.TemporaryDirectory() as out:
        argv = ["./lab", "run", *words, "--engine", "exact", "--no-report", "--out", out]
        began = time.monotonic()
        subprocess.run(
            argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT
        )
        wall = time.monotonic() - began
        folders = [folder for folder in Path(out).iterdir() if not folder.is_symlink()]
        records = [json.loads((folder / "record.json").read_text()) for folder in folders]
    if not records or any(record["verdict"] != "pass" for record in records):
        raise SystemExit(f"{' '.join(argv)} did not pass")
    return Took(wall, sum(record["lab_seconds"] for record in records))


def bare() -> Took:
    """The same exchanges as those of `loss` in a guest without echolab."""
    here = Settings.from_environment(os.environ)
    kernel = build.find(here.cache, here.kernel)
    if kernel is None:
        raise SystemExit("the guest kernel is not built; run: ./lab build kernel")
    arguments = (str(engine.interpreter()), str(ROOT), str(COUNT), str(INTERVAL))
    init = ("/bin/sh", guest_path("bare.sh"), *arguments)
    boot = Boot(init=init, memory=engine.MEMORY, seed=1)
    memory = choose_folder(engine.MEMORY, engine.FALLBACK).path
    with (
        tempfile.TemporaryDirectory() as folder,
        Guest(kernel, boot, Path(folder), memory, links={"bare.sh": BARE}) as guest,
    ):
        ended = guest.wait(LIMIT)
    if ended.console.split().count(str(COUNT)) != 2:
        raise SystemExit(f"the bare guest did not end its exchanges:\n{ended.console[-2000:]}")
    return Took(ended.wall_seconds, 0.0)


def medians(runs: int, *works: Callable[[], Took]) -> list[Took]:
    """The median run of each work, all of them in turn, so that all meet the same machine."""
    rounds = [[work() for work in works] for _ in range(runs)]
    middle = (runs - 1) // 2
    return [
        sorted(column, key=lambda took: took.wall)[middle] for column in zip(*rounds, strict=True)
    ]


def lines(runs: int) -> Iterator[tuple[str, float]]:
    """What was measured, and its part of what is allowed."""
    spread = ("--set", f"interval={INTERVAL}", "--set", f"count={COUNT}")
    usual, wide, alone = medians(
        runs,
        lambda: lab("loss", "--seed", "1"),
        lambda: lab("loss", *spread, "--seed", "1"),
        bare,
    )
    yield f"run loss: {usual.lab:.1f} lab s in {usual.wall:.2f} s", 0.0
    yield (
        f"run loss {' '.join(spread)}: {wide.lab:.1f} lab s in {wide.wall:.2f} s",
        (wide.wall / 1.5 if wide.lab >= 60 else float("inf")),
    )
    share = wide.wall - alone.wall
    yield f"a bare guest: {alone.wall:.2f} s; the lab's share {share:.2f} s", share / 0.5
    one, more = medians(
        runs,
        lambda: lab(str(LAB), "--seed", "1"),
        lambda: lab(str(LAB), "--set", f"count={1 + MORE}", "--seed", "1"),
    )
    each = Took((more.wall - one.wall) / MORE, (more.lab - one.lab) / MORE)
    yield f"one mebibyte: {one.lab:.1f} lab s in {one.wall:.2f} s, {one.pace:.1f} a second", 0.0
    yield (
        f"each more: {each.lab:.1f} lab s in {each.wall:.2f} s, {each.pace:.1f} a second",
        (50 / each.pace),
    )
    (every,) = medians(1, lambda: lab("--seed", "1"))
    yield (
        f"all scenarios: {every.lab:.0f} lab s in {every.wall:.1f} s, {every.pace:.1f} a second",
        (60 / every.pace),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    met = True
    for text, part in lines(parser.parse_args(arguments).runs):
        print(f"{text}; {part:.2f} of what is allowed" if part else text, flush=True)
        met = met and part <= 1
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
