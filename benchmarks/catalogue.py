"""Run the whole catalogue, seed after seed: what failed, and how long it took.

    .venv/bin/python -m benchmarks.catalogue --seeds 50
    .venv/bin/python -m benchmarks.catalogue --engine docker --seeds 5

Each seed is one `echolab run` of every scenario, as a user types it. The last lines are
the figures with a bar: claims that did not pass, wall time of the slowest seed, lab time per
wall second, and the largest ratio of wall time to lab time, at most 1.3 on containers.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

LONGEST = 3600.0
"""Seconds that one run of the catalogue may take."""


def catalogue(engine: str, seed: int, names: Sequence[str]) -> tuple[list[dict[str, Any]], float]:
    """The records of one run of the catalogue, and its wall time in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "echolab", "run", *names, "--engine", engine]
        options = ["--seed", str(seed), "--no-report", "--json", "--out", folder]
        began = time.monotonic()
        ended = subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=LONGEST, check=False
        )
        took = time.monotonic() - began
    if not ended.stdout:
        raise SystemExit(f"the run with seed {seed} ended without records:\n{ended.stderr}")
    return json.loads(ended.stdout), took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="scenarios; none for all")
    parser.add_argument("--engine", default="exact")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    chosen = parser.parse_args()
    verdicts: collections.Counter[str] = collections.Counter()
    slowest = lab = wall = share = 0.0
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        records, took = catalogue(chosen.engine, seed, chosen.names)
        needed = sum(record["lab_seconds"] for record in records)
        slowest, share = max(slowest, took), max(share, took / needed)
        lab += needed
        wall += took
        for record in records:
            for claim in record["claims"]:
                verdicts[claim["verdict"]] += 1
                if claim["verdict"] != "pass":
                    where = f"seed {seed}, {record['scenario']}: {claim['text']}"
                    print(f"{claim['verdict']}: {where}: {claim['seen']}: {claim['why']}")
        print(
            f"seed {seed}: {len(records)} scenarios in {took:.1f} s for {needed:.1f} lab seconds: "
            f"{took / needed:.3f}; load of this machine {os.getloadavg()[1]:.1f}",
            flush=True,
        )
    print(", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items())))
    print(f"slowest run of the catalogue: {slowest:.1f} s")
    print(f"lab seconds per wall second: {lab / wall:.1f}")
    print(f"wall time by lab time, at most: {share:.3f}")
    return 0 if set(verdicts) == {"pass"} else 1


if __name__ == "__main__":
    sys.exit(main())
