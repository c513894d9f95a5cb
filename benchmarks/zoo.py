"""Explore every mistake of the zoo: runs until it is found, remaining faults, wall time.

    .venv/bin/python -m benchmarks.zoo
    .venv/bin/python -m benchmarks.zoo raft quorum --runs 500 --right 5000

Each mistake must be found within `--runs` runs and take at most four faults. A correct system is
run `--right` times, and nothing may be found.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from echolab import resources
from echolab.runs import catalogue, explore
from echolab.runs.explore import Explored
from echolab.settings import Settings

MOST_FAULTS = 4

RIGHT = "none"


def systems(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each system with each of its mistakes, the correct one first."""
    for path in sorted((resources.SCENARIOS / catalogue.ZOO).glob("*.py")):
        (entry,) = catalogue.find([str(path)])
        if names and entry.scenario.name not in names:
            continue
        told = entry.scenario.meaning("mistake").about.partition(": ")[2]
        yield from ((entry.scenario.name, mistake) for mistake in told.split(", "))


def explored(name: str, mistake: str, runs: int, seed: int) -> Explored:
    """What exploring a system with a mistake finds, without results from before."""
    with tempfile.TemporaryDirectory() as out:
        asked = explore.Asked(name, (f"mistake={mistake}",), None, Path(out))
        wanted = explore.Wanted(runs, seed=seed)
        settings = Settings.from_environment(os.environ)
        return explore.prepare(asked, wanted, settings, os.environ).explore(lambda line: None)


def main() -> int:
    """Print a line for each; return 1 if one is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="SYSTEM")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--right", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    wrong = 0
    print(f"{'system':16}{'mistake':26}{'runs':>6}{'faults':>8}{'simpler in':>12}{'seconds':>9}")
    for name, mistake in systems(given.names):
        runs = given.right if mistake == RIGHT else given.runs
        found = explored(name, mistake, runs, given.seed)
        failure = found.failures[0] if found.failures else None
        faults = len(failure.draw.schedule) if failure else None
        as_it_must_be = (failure is None) == (mistake == RIGHT) and (faults or 0) <= MOST_FAULTS
        wrong += not as_it_must_be
        told = (failure.place + 1, faults, failure.shrinks) if failure else (found.runs, "–", "–")
        line = f"{name:16}{mistake:26}{told[0]:>6}{told[1]:>8}{told[2]:>12}{found.seconds:>9.1f}"
        print(line + ("" if as_it_must_be else "  ✘"), flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
