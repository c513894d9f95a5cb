"""Whether the packet story shows every packet that the kernel dropped, in its direction.

    .venv/bin/python -m benchmarks.story --seeds 20

Runs the whole catalogue on the exact engine, seed after seed, and compares the packets of each host
that died between its captures with the drop counters of its link. Ends with status 0 if they agree
in every run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from echolab.record import Record
from echolab.report import story
from echolab.runs import folders

LONGEST = 1800.0
"""Seconds that one run of the catalogue may take."""


def catalogue(seed: int, names: Sequence[str], folder: Path) -> None:
    """Run the scenarios with one seed, as a user types it."""
    command = [sys.executable, "-m", "echolab", "run", *names, "--engine", "exact"]
    options = ["--seed", str(seed), "--no-report", "--json", "--out", str(folder)]
    ended = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=LONGEST, check=False
    )
    if not ended.stdout or not json.loads(ended.stdout):
        raise SystemExit(f"the run with seed {seed} ended without records:\n{ended.stderr}")


def counted(record: Record, host: str) -> int:
    """Packets that a host's kernel says died on its link."""
    before, after = record.counters.before[host], record.counters.after[host]
    return after.dropped + after.chosen - before.dropped - before.chosen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="scenarios; none for all")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    chosen = parser.parse_args()
    compared = died = 0
    wrong: list[str] = []
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        with tempfile.TemporaryDirectory() as made:
            catalogue(seed, chosen.names, Path(made))
            for folder in sorted(Path(made).glob(f"*/{folders.RECORD}")):
                if folder.parent.is_symlink():
                    continue
                record = folders.read(folder.parent)
                loaded = story.load(record, folder.parent)
                for host in loaded.hosts:
                    kernel, shown = counted(record, host), loaded.died(host)
                    compared += 1
                    died += kernel
                    if kernel != shown:
                        wrong.append(
                            f"{record.scenario}, seed {seed}: the kernel of {host} counted "
                            f"{kernel}, the story shows {shown}"
                        )
        print(f"seed {seed}: {compared} links so far, {died} packets died, {len(wrong)} differ")
    print("\n".join(wrong) or f"all {died} dead packets on {compared} links are in the story")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
