"""Grade a class: every sub-folder is a student's submission, checked on all processors."""

from __future__ import annotations

import dataclasses
import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from echolab.classroom import checking, exports, text
from echolab.classroom.checking import DEFAULT_SEED, Order
from echolab.classroom.exercise import Exercise
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.engines import Progress, Settings
from echolab.errors import BadInput, CannotRun, EcholabError, ExitStatus
from echolab.runs import write

EXPLAINED = 1
"""Failed cases of each student whose system calls and packets a report shows: the first, since
the others often fail for the same mistake, and each costs as much as two cases. The replay
command shows any other's."""


@dataclasses.dataclass(frozen=True)
class Class:
    """A class whose submissions to one exercise stand below a folder.

    With a `seed` each student meets a network of their own, drawn from it and the name of
    their folder; without, all meet the same.
    """

    exercise: Exercise
    folder: Path
    seed: int | None = None
    explain: int = EXPLAINED

    def orders(self) -> list[Order]:
        """What is to be checked, by name. Raises BadInput where there is no sub-folder."""
        try:
            folders = sorted(path for path in self.folder.iterdir() if path.is_dir())
        except OSError as error:
            raise BadInput(
                f"cannot read the folder {self.folder}: {error.strerror}", "check the path"
            ) from None
        students = [path for path in folders if not path.name.startswith(".")]
        if not students:
            raise BadInput(f"{self.folder} has no sub-folders", "one for each student")
        return [self._order(path) for path in students]

    def _order(self, student: Path) -> Order:
        seed = DEFAULT_SEED if self.seed is None else student_seed(self.seed, student.name)
        replay = ("./lab", "check", self.exercise.name, str(student), "--seed", str(seed))
        return Order(
            self.exercise, student, student.name, seed, explain=self.explain, replay=replay
        )


def student_seed(seed: int, name: str) -> int:
    """A student's own seed: 32 bits that the class's seed and the name determine."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def grade(
    students: Class, settings: Settings, progress: Progress, workers: int | None = None
) -> Iterator[CheckResult]:
    """The result of each student, by name. No submission can keep another from its result."""
    orders = students.orders()
    known = _Worker(settings)
    results = _side_by_side(orders, known, workers or os.cpu_count() or 1)
    for number, result in enumerate(results, 1):
        progress(f"graded {number} of {len(orders)}: {result.submission}, {text.summary(result)}")
        yield result


@dataclasses.dataclass(frozen=True)
class _Worker:
    """What one process does with one order; a value, so that it reaches the process."""

    settings: Settings

    def __call__(self, order: Order) -> CheckResult:
        try:
            return checking.check(order, self.settings, _quiet)
        except BadInput as error:
            return checking.refused(order, error)
        except EcholabError as error:
            return checking.broken(order, error)
        except Exception as error:
            reason = f"the checker failed: {type(error).__name__}: {error}"
            return checking.broken(order, CannotRun(reason, "report it"))


def _quiet(line: str) -> None:
    """Show nothing: the class's own progress is shown by the process that waits."""


def _side_by_side(
    orders: Sequence[Order], work: Callable[[Order], CheckResult], workers: int
) -> Iterator[CheckResult]:
    """The results in the order of the orders, with that many under way at once.

    Strategy: a worker that is killed breaks its whole pool, so those that were not done
    by then are done again, each in a pool of its own: then it breaks nobody else's.
    """
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(work, order) for order in orders]
        try:
            for order, future in zip(orders, futures, strict=True):
                yield _result(order, future) or _alone(order, work)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _result(order: Order, future: Future[CheckResult]) -> CheckResult | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _alone(order: Order, work: Callable[[Order], CheckResult]) -> CheckResult:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        done = _result(order, pool.submit(work, order))
    return done or checking.broken(order, CannotRun("the checker was killed", "grade again"))


def status(results: Sequence[CheckResult]) -> ExitStatus:
    """0 where everybody could be judged, whatever the grades; 4 where somebody could not."""
    unjudged = any(result.count(Verdict.NOT_JUDGED) for result in results)
    return ExitStatus.CANNOT if unjudged else ExitStatus.PASS


def write_all(results: Sequence[CheckResult], out: Path) -> tuple[Path, ...]:
    """Write every export and a report a student below `out`; the files for the whole class.

    results.csv, junit.xml, reports/STUDENT.txt, gradescope/STUDENT/results.json and
    artemis/STUDENT/CASE.json. Raises CannotRun where that cannot be written.
    """
    table = out / "results.csv"
    junit = out / "junit.xml"
    _put(table, exports.to_csv(results))
    _put(junit, exports.to_junit(results))
    for result in results:
        name = result.submission
        _put(out / "reports" / f"{name}.txt", text.check_text(result))
        _put(out / "gradescope" / name / "results.json", exports.to_gradescope(result))
        for file, document in exports.to_artemis(result).items():
            _put(out / "artemis" / name / file, document)
    return table, junit


def _put(path: Path, document: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(f"cannot make {path.parent}: {error.strerror}", "give --out DIR") from None
    write(path, document)
