"""What checking and grading cost, and whether the answers are the same every time.

    .venv/bin/python -m benchmarks.classroom check
    .venv/bin/python -m benchmarks.classroom grade [--students 100]
    .venv/bin/python -m benchmarks.classroom repeat [--seeds 20] [EXERCISE…]

`check`: all cases of every exercise for the Python reference, each at most 2.5 s,
or 10 s where a case explores.
`grade`: a class whose submissions to exercise 1 are the tests' own, in turn, right and
wrong; at most 60 s for a hundred on two processors, in less than 4 GiB of memory, and no
more of it at the end than in the beginning.
`repeat`: every reference passes and every mistake fails in a case that names it, with each
seed; three checks of each give the same bytes.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from echolab import resources
from echolab.classroom import check, exercise, grading, text
from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.settings import Settings

SUBMISSIONS = resources.ROOT / "tests" / "exercises"

LONGEST_CHECK, LONGEST_EXPLORING = 2.5, 10.0
"""Seconds of a check, and of one with a case that explores schedules of faults."""

LONGEST_GRADE = 60.0
"""Seconds for a hundred submissions."""

LARGEST_GRADE = 4 << 30
MOST_GROWTH = 1.2
"""How much more memory the last quarter of a class may take than the first: which checks run side
by side differs by chance."""

TIMES = 3


def quiet(line: str) -> None:
    """Show no progress: it would stand between the figures."""


def time_check() -> int:
    """Time the check of every Python reference."""
    late = 0
    for name in exercise.names():
        found = exercise.find(name)
        order = CheckRequest(found, SUBMISSIONS / name / "reference-py", "reference-py")
        began = time.monotonic()
        result = check.check(order, Settings.from_environment(os.environ), quiet)
        took = time.monotonic() - began
        runs = sum(len(case.runs(order.seed)) for case in found.cases)
        longest = LONGEST_EXPLORING if runs > len(found.cases) else LONGEST_CHECK
        late += took > longest
        shown = f"{took:5.2f} s of {longest:4.1f} s"
        print(f"{name:22} {runs:2} runs {shown}  {text.summary(result)}", flush=True)
    print(f"{late} took longer than is asked")
    return 1 if late else 0


def time_grade(students: int) -> int:
    """Time the grading of a class, and watch its memory."""
    own = sorted(path for path in (SUBMISSIONS / "01-stream-client").iterdir() if path.is_dir())
    with tempfile.TemporaryDirectory(prefix="echolab-class-") as name:
        folder = Path(name)
        for number in range(students):
            source = own[number % len(own)]
            shutil.copytree(source, folder / "class" / f"{number:04}-{source.name}")
        memory = Memory()
        began = time.monotonic()
        with memory:
            order = grading.Order(exercise.find("1"), folder / "class", folder / "out")
            grading.perform(order, Settings.from_environment(os.environ), quiet, quiet)
        took = time.monotonic() - began
        with (folder / "out" / "results.csv").open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
    passed = sum(row["passed"] == row["of"] for row in rows)
    unjudged = sum(int(row["not judged"]) for row in rows)
    longest = LONGEST_GRADE * students / 100
    print(f"{students} submissions, {passed} right, {unjudged} cases not judged")
    print(f"{took:.1f} s ({took / students:.2f} s each), at most {longest:g} s asked")
    early, late = memory.most(0, 1 / 4), memory.most(3 / 4, 1)
    print(f"memory: {early >> 20} MiB at most in the first quarter, {late >> 20} in the last")
    fits = max(early, late) < LARGEST_GRADE and late <= early * MOST_GROWTH
    return 0 if took <= longest and fits and not unjudged else 1


class Memory:
    """The memory of this process and its descendants, in bytes, twice a second.

    Shared pages count once for each process that has them, so the sum is more than was used.
    """

    def __init__(self) -> None:
        self._seen: list[int] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._done.wait(0.5):
            known, pages = {os.getpid()}, 0
            for path in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
                try:
                    fields = (path / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(path.name) in known or int(fields[1]) in known:
                    known.add(int(path.name))
                    pages += int(fields[21])
            self._seen.append(pages * page)

    def most(self, start: float, end: float) -> int:
        """The most memory that was seen between two parts of the whole time."""
        count = len(self._seen)
        return max(self._seen[int(start * count) : max(int(end * count), 1)], default=0)


def answer(order: CheckRequest) -> tuple[CheckResult, int]:
    """A result, and how many different texts three checks gave."""
    results = [
        check.check(order, Settings.from_environment(os.environ), quiet) for _ in range(TIMES)
    ]
    return results[0], len({text.check_text(result) for result in results})


def repeat(names: list[str], seeds: int) -> int:
    """Check every submission with every seed, three times each."""
    orders = []
    for name in [exercise.find(name).name for name in names] or exercise.names():
        found = exercise.find(name)
        for path in sorted((SUBMISSIONS / name).iterdir()):
            mistake = path.name.removeprefix("wrong-")
            cases = tuple(n for n, case in enumerate(found.cases, 1) if mistake in case.catches)
            orders += [
                CheckRequest(found, path, path.name, seed, chosen=cases, explain=0)
                for seed in range(1, seeds + 1)
            ]
    wrong = 0
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(
        len(os.sched_getaffinity(0)), mp_context=context
    ) as pool:
        for order, (result, texts) in zip(orders, pool.map(answer, orders), strict=True):
            verdicts = [case.verdict for case in result.cases]
            reference = order.label.startswith("reference")
            right = set(verdicts) == {Verdict.PASSED} if reference else Verdict.FAILED in verdicts
            if not right or texts != 1 or Verdict.NOT_JUDGED in verdicts:
                wrong += 1
                shown = ", ".join(verdicts)
                where = f"{order.exercise.name} {order.label} seed {order.seed}"
                print(f"{where}: {shown}; {texts} different texts", flush=True)
    print(f"{len(orders)} submissions and seeds, {TIMES} checks each: {wrong} wrong or different")
    return 1 if wrong else 0


def main() -> int:
    options = argparse.ArgumentParser(description="What checking costs, and whether it repeats.")
    options.add_argument("what", choices=("check", "grade", "repeat"))
    options.add_argument("exercise", nargs="*")
    options.add_argument("--students", type=int, default=100)
    options.add_argument("--seeds", type=int, default=20)
    chosen = options.parse_intermixed_args()
    if chosen.what == "check":
        return time_check()
    if chosen.what == "grade":
        return time_grade(chosen.students)
    return repeat(chosen.exercise, chosen.seeds)


if __name__ == "__main__":
    sys.exit(main())
