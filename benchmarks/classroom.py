"""What checking and grading cost, and whether the answers are the same every time.

    PYTHONPATH=. .venv/bin/python benchmarks/classroom.py check
    PYTHONPATH=. .venv/bin/python benchmarks/classroom.py grade [--students 100]
    PYTHONPATH=. .venv/bin/python benchmarks/classroom.py repeat [--seeds 20] [EXERCISE…]

`check`: all cases of every exercise for the Python reference, each at most 3 s.
`grade`: a class whose submissions to exercise 1 are the tests' own, in turn, right and
wrong; at most 150 s on two processors, in less than 4 GiB of memory.
`repeat`: every reference passes and every mistake fails in a case that names it, with each
seed; three checks of each give the same bytes.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from echolab import catalogue
from echolab.classroom import checking, exercise, grading, text
from echolab.classroom.checking import Order
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.cli import settings

SUBMISSIONS = catalogue.ROOT / "tests" / "exercises"

LONGEST_CHECK = 3.0
LONGEST_GRADE = 150.0
LARGEST_GRADE = 4 << 30
TIMES = 3


def quiet(line: str) -> None:
    """Show no progress: it would stand between the figures."""


def check() -> int:
    """Time the check of every Python reference."""
    slowest = 0.0
    for name in exercise.names():
        found = exercise.find(name)
        order = Order(found, SUBMISSIONS / name / "reference-py", "reference-py")
        began = time.monotonic()
        result = checking.check(order, settings(), quiet)
        took = time.monotonic() - began
        slowest = max(slowest, took)
        print(f"{name:22} {len(result.cases)} cases {took:5.2f} s  {text.summary(result)}")
    print(f"slowest {slowest:.2f} s, at most {LONGEST_CHECK:g} s asked")
    return 0 if slowest <= LONGEST_CHECK else 1


def grade(students: int) -> int:
    """Time the grading of a class, and watch its memory."""
    own = sorted(path for path in (SUBMISSIONS / "01-stream-client").iterdir() if path.is_dir())
    with tempfile.TemporaryDirectory(prefix="echolab-class-") as name:
        folder = Path(name)
        for number in range(students):
            source = own[number % len(own)]
            shutil.copytree(source, folder / f"{number:03}-{source.name}")
        memory = Memory()
        began = time.monotonic()
        with memory:
            results = list(
                grading.grade(grading.Class(exercise.find("1"), folder), settings(), quiet)
            )
            grading.write_all(results, folder / "out")
        took = time.monotonic() - began
    passed = sum(result.count(Verdict.PASSED) == len(result.cases) for result in results)
    unjudged = sum(result.count(Verdict.NOT_JUDGED) for result in results)
    print(f"{students} submissions, {passed} right, {unjudged} cases not judged")
    print(f"{took:.1f} s ({took / students:.2f} s each), at most {LONGEST_GRADE:g} s asked")
    print(f"{memory.most / (1 << 30):.2f} GiB at most, less than 4 GiB asked")
    return 0 if took <= LONGEST_GRADE and memory.most < LARGEST_GRADE and not unjudged else 1


class Memory:
    """The most memory that this process and its descendants had at one time, in bytes.

    Shared pages count once for each that has them, so this is more than was used.
    """

    def __init__(self) -> None:
        self.most = 0
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
            self.most = max(self.most, pages * page)


def answer(order: Order) -> tuple[CheckResult, int]:
    """A result, and how many different texts three checks gave."""
    results = [checking.check(order, settings(), quiet) for _ in range(TIMES)]
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
                Order(found, path, path.name, seed, chosen=cases, explain=0)
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
    chosen = options.parse_args()
    if chosen.what == "check":
        return check()
    if chosen.what == "grade":
        return grade(chosen.students)
    return repeat(chosen.exercise, chosen.seeds)


if __name__ == "__main__":
    sys.exit(main())
