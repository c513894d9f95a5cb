"""How long the command line takes to start, as a ratio to a bare interpreter.

    python benchmarks/start.py [--runs N]

`./lab --help` and `python -c pass` run in turn. The bar is 0.3 s for the former.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BAR = 0.3


def seconds(argv: Sequence[str]) -> float:
    """How long a command takes; it must succeed."""
    started = time.monotonic()
    subprocess.run(argv, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=60, check=True)
    return time.monotonic() - started


def main() -> int:
    """Print the medians and their ratio, and say whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    pairs = [
        (seconds(["./lab", "--help"]), seconds([sys.executable, "-c", "pass"])) for _ in range(runs)
    ]
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"./lab --help {ours:.3f} s, a bare interpreter {bare:.3f} s, ratio {ours / bare:.1f}")
    print(f"bar {BAR} s")
    return 0 if ours <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
