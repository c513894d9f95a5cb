"""How long the command line takes to start, and its own share of a run.

    .venv/bin/python -m benchmarks.start [--runs N]

`./lab --help`, `python -m echolab --help` and `python -c pass` run in turn. The bars are 0.3 s for
the first, and for the second 0.15 s more than the third. Then comes `./lab run loss` on the exact
engine; only the command's own processor time counts, not the guest's: the bar is 0.25 s. The guest
kernel must be built.
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
BEYOND_BAR = 0.15
OWN_BAR = 0.25
RUN = ("./lab", "run", "loss", "--engine", "exact", "--no-report", "--seed", "1")


def seconds(argv: Sequence[str]) -> float:
    """How long a command takes; it must succeed."""
    started = time.monotonic()
    subprocess.run(argv, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=60, check=True)
    return time.monotonic() - started


def own_seconds(argv: Sequence[str]) -> float:
    """Processor time of a command itself, without what it starts; it must succeed.

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
    python = sys.executable
    started = (["./lab", "--help"], [python, "-m", "echolab", "--help"], [python, "-c", "pass"])
    columns = zip(*([seconds(argv) for argv in started] for _ in range(runs)), strict=True)
    shell, package, bare = (statistics.median(column) for column in columns)
    print(f"./lab --help {shell:.3f} s")
    print(f"bar {BAR} s")
    print(f"echolab --help {package:.3f} s, {package - bare:.3f} s beyond a bare interpreter")
    print(f"bar {BEYOND_BAR} s")
    with tempfile.TemporaryDirectory() as out:
        own = statistics.median(own_seconds([*RUN, "--out", out]) for _ in range(runs))
    print(f"./lab run loss {own:.3f} s of its own, a bare interpreter {bare:.3f} s")
    print(f"bar {OWN_BAR} s")
    met = shell <= BAR and package - bare <= BEYOND_BAR and own <= OWN_BAR
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
