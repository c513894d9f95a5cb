"""How long the command line takes to start, and its own share of a run.

    python benchmarks/start.py [--runs N]

`./lab --help` and `python -c pass` run in turn: the bar is 0.3 s for the former. Then
`./lab run loss` in the exact engine, of which the command's own processor time counts,
without the guest's: the bar is 0.25 s. The guest kernel must be built.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BAR = 0.3
OWN_BAR = 0.25
RUN = ("./lab", "run", "loss", "--engine", "exact", "--no-report", "--seed", "1")


def seconds(argv: Sequence[str]) -> float:
    """How long a command takes; it must succeed."""
    started = time.monotonic()
    subprocess.run(argv, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=60, check=True)
    return time.monotonic() - started


def own_seconds(argv: Sequence[str]) -> float:
    """Processor time that a command takes itself, without what it starts; it must succeed.

    Read when it has ended and before it is waited for, in ticks (proc(5), /proc/PID/stat).
    """
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, cwd=ROOT, stdout=quiet, stderr=quiet) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    if process.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with status {process.returncode}")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Print the medians and their ratio, and say whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    pairs = [
        (seconds(["./lab", "--help"]), seconds([sys.executable, "-c", "pass"])) for _ in range(runs)
    ]
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"./lab --help {ours:.3f} s, a bare interpreter {bare:.3f} s, ratio {ours / bare:.1f}")
    print(f"bar {BAR} s")
    with tempfile.TemporaryDirectory() as out:
        own = statistics.median(own_seconds([*RUN, "--out", out]) for _ in range(runs))
    print(f"./lab run loss {own:.3f} s of its own, a bare interpreter {bare:.3f} s")
    print(f"bar {OWN_BAR} s")
    return 0 if ours <= BAR and own <= OWN_BAR else 1


if __name__ == "__main__":
    sys.exit(main())
