"""What a lab in a user's own program costs.

    .venv/bin/python -m benchmarks.library [--times 20]

Opening a lab in `exact`: at most 0.4 s (median). A verb that does nothing: at most 1 ms. A further
lab in the same guest, for comparison. What the plugin adds to a run of pytest that does not use it:
at most 20 ms. The processor time of each is given as well: a busy machine distorts it less.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import echolab
from echolab.library.bulk import Bulk
from echolab.resources import ROOT

LONGEST_OPENING, LONGEST_VERB, LONGEST_PLUGIN = 0.4, 1e-3, 0.02

VERBS = 300


def processor_time() -> float:
    """Seconds of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def median(work: Callable[[], float], times: int) -> tuple[float, float]:
    """The median of what `work` measured, and its processor time, both of one time."""
    began = processor_time()
    seconds = statistics.median(work() for _ in range(times))
    return seconds, (processor_time() - began) / times


def opening() -> float:
    """Seconds until a lab is open."""
    began = time.perf_counter()
    lab = echolab.open("exact", seed=7)
    took = time.perf_counter() - began
    lab.close()
    return took


def verb() -> float:
    """Median seconds of a verb that does nothing."""
    with echolab.open("exact", capture=False) as lab:
        took = []
        for _ in range(VERBS):
            began = time.perf_counter()
            lab.now()
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def plugin(times: int) -> float:
    """Seconds that the plugin adds to a run of pytest without a test."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_nothing.py")
        file.write_text("def test_nothing(): pass\n")
        seconds: dict[tuple[str, ...], list[float]] = {(): [], ("-p", "echolab.pytest_plugin"): []}
        for _ in range(times):
            for words, took in seconds.items():
                began = processor_time()
                subprocess.run(
                    [sys.executable, "-m", "pytest", "-q", "-p", "no:echolab", *words, str(file)],
                    cwd=folder,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    check=True,
                )
                took.append(processor_time() - began)
    without, with_it = (statistics.median(took) for took in seconds.values())
    return with_it - without


def main() -> int:
    """Measure, print, and tell whether each figure is as small as asked."""
    parser = argparse.ArgumentParser(prog="benchmarks.library", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    opening()  # the first one compiles the guest's code
    opened, of_processor = median(opening, times)
    print(f"opening {opened:.3f} s, {of_processor:.3f} s of processor time (0.4 s asked)")
    with Bulk() as bulk:
        bulk.open(capture=False).close()

        def again() -> float:
            began = time.perf_counter()
            lab = bulk.open(capture=False)
            took = time.perf_counter() - began
            lab.close()
            return took

        further, of_processor = median(again, times)
    print(f"a further one in the same guest {further:.3f} s")
    nothing = verb()
    print(f"a verb that does nothing {nothing * 1e3:.3f} ms (1 ms asked)")
    added = plugin(times)
    print(f"the plugin adds {added * 1e3:.1f} ms of processor time (20 ms asked)")
    kept = opened <= LONGEST_OPENING and nothing <= LONGEST_VERB and added <= LONGEST_PLUGIN
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
