"""Grade a class: each submission is checked, on all processors, independently of the others."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from pathlib import Path

from echolab import resources
from echolab.classroom import check, likeness, text, workplace
from echolab.classroom.check import DEFAULT_SEED, CheckRequest
from echolab.classroom.collection import Collected
from echolab.classroom.exercise import Exercise
from echolab.classroom.gradebook import Gradebook
from echolab.classroom.likeness import Fingerprint
from echolab.classroom.staging import HandedIn
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.errors import BadInput, CannotRun, EcholabError, ExitStatus
from echolab.language import translate as _
from echolab.progress import Progress, left
from echolab.runs import pool
from echolab.runs.trees import Tree
from echolab.runs.workers import Local, Workers
from echolab.settings import Settings
from echolab.version import __version__

EXPLAINED = 1
"""How many failed cases of each student are reported with their system calls and packets: one,
since the others often fail for the same mistake, and each costs as much as two cases. The replay
command shows the others'."""


@dataclasses.dataclass(frozen=True)
class Class:
    """A class that has handed in submissions to one exercise.

    With a `seed` each student gets a network of their own, drawn from it and their label; without
    one, all get the same. `prints` are the fingerprints of the submissions, by label.
    """

    exercise: Exercise
    collected: Collected
    seed: int | None = None
    explain: int = EXPLAINED
    prints: dict[str, Fingerprint] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, exercise: Exercise, collected: Collected, seed: int | None = None) -> Class:
        """The class, with the fingerprint of each submission computed."""
        prints = {one.label: likeness.fingerprint(one.path) for one in collected.handed_in}
        return cls(exercise, collected, seed, prints=prints)

    @property
    def handed_in(self) -> tuple[HandedIn, ...]:
        """What was handed in, by label."""
        return self.collected.handed_in

    def request(self, one: HandedIn) -> CheckRequest:
        """The request to check a submission."""
        seed = DEFAULT_SEED if self.seed is None else student_seed(self.seed, one.label)
        path = str(one.path)
        replay = (resources.COMMAND, "check", self.exercise.name, path, "--seed", str(seed))
        return CheckRequest(
            self.exercise, one.path, one.label, seed, explain=self.explain, replay=replay
        )

    def remarks(self) -> dict[str, tuple[str, ...]]:
        """What the lecturer is told about a submission besides its result: whose is the same."""
        told = likeness.remarks(self.prints, likeness.starters(self.exercise.folder))
        return {label: (remark,) for label, remark in told.items()}

    def digest(self, one: HandedIn) -> str:
        """The digest of everything that the result of a submission depends on."""
        check_files = (self.exercise.check, self.exercise.folder / "compose.yaml")
        parts = [
            __version__,
            *(file.read_text(encoding="utf-8") for file in check_files if file.is_file()),
            str(self.request(one).seed),
            self.prints.get(one.label, Fingerprint()).whole,
            one.refused,
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def chosen(self, names: Iterable[str]) -> set[str]:
        """The labels of the submissions that these labels, names or numbers mean.

        Raises BadInput for one that means no submission.
        """
        labels: set[str] = set()
        for name in names:
            meant = {
                one.label for one in self.handed_in if name in (one.label, one.name, one.number)
            }
            if not meant:
                known = ", ".join(one.label for one in self.handed_in[:5])
                raise BadInput(f"nobody called '{name}' has handed in anything", f"see {known}, …")
            labels |= meant
        return labels

    def left(self, book: Gradebook, again: Collection[str]) -> list[HandedIn]:
        """What remains to be graded: submissions without a valid result, and `again` in any case.

        If `again` names some, nothing else is graded.
        """
        if again:
            return [one for one in self.handed_in if one.label in again]
        return [one for one in self.handed_in if not self._holds(one, book)]

    def _holds(self, one: HandedIn, book: Gradebook) -> bool:
        kept = book.kept(one.label)
        return (
            kept is not None
            and kept.digest == self.digest(one)
            and not kept.result.count(Verdict.NOT_JUDGED)
        )


def student_seed(seed: int, name: str) -> int:
    """A student's own seed: 32 bits that the class's seed and the name determine."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def grade(
    students: Class,
    handed_in: Iterable[HandedIn],
    settings: Settings,
    progress: Progress,
    workers: Workers | None = None,
) -> Generator[tuple[HandedIn, CheckResult], None, None]:
    """The result of each of these, as they come. None can keep another from its result.

    The processors of this machine check them unless other workers are given. Close the iterator,
    after an interrupt for example, to end and undo what is under way.
    """
    wanted = {one.label: one for one in handed_in}
    tally = Tally(len(wanted), progress)
    workers = workers or Local(settings, pool.processors())
    graded = workers.run(
        orders(students, wanted.values()), _check, _lost, tally.begin, in_order=False
    )
    try:
        with contextlib.closing(graded):
            for result in graded:
                tally.end(result.submission, text.summary(result))
                yield wanted[result.submission], result
    finally:
        workplace.sweep(settings.cache)


def orders(students: Class, handed_in: Iterable[HandedIn]) -> Iterator[Order]:
    """What workers are given for each of these."""
    exercise = Tree(students.exercise.folder)
    return (Order(students.request(one), one.refused, exercise) for one in handed_in)


class Tally:
    """Reports progress: who is graded, who is being checked, and the time left."""

    def __init__(
        self, number: int, progress: Progress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._number = number
        self._progress = progress
        self._clock = clock
        self._began = clock()
        self._ended = 0
        self._under_way: list[str] = []

    def begin(self, label: str) -> None:
        """A worker has begun with a submission."""
        if label not in self._under_way:
            self._under_way.append(label)
        if not self._ended:
            self._progress(f"{self._graded()}{self._checking()}")

    def end(self, label: str, summary: str) -> None:
        """A submission has its result."""
        if label in self._under_way:
            self._under_way.remove(label)
        self._ended += 1
        head = f"{self._graded()}: {label}, {summary}"
        self._progress(f"{head}{self._left()}{self._checking()}")

    def _graded(self) -> str:
        return _("graded {count} of {of}").format(count=self._ended, of=self._number)

    def _left(self) -> str:
        if self._ended == self._number:
            return ""
        return left(self._clock() - self._began, self._ended / self._number)

    def _checking(self) -> str:
        return f"; checking {', '.join(self._under_way)}" if self._under_way else ""


class Order:
    """A submission to check, with its files and those of its exercise.

    `refused` says why there is no program; it is empty where there may be one.
    """

    def __init__(self, request: CheckRequest, refused: str, exercise: Tree) -> None:
        self.request = request
        self.refused = refused
        self._exercise = exercise
        self._submission = Tree(request.submission)

    def here(self, folder: Path) -> CheckRequest:
        """The request with the files where they are on this machine."""
        exercise = self._exercise.placed(folder / "exercise")
        return dataclasses.replace(
            self.request,
            exercise=dataclasses.replace(self.request.exercise, folder=exercise),
            submission=self._submission.placed(folder / "submission"),
        )


def _check(settings: Settings, order: Order, progress: Progress) -> CheckResult:
    """Check one submission; this is what a worker does."""
    request = order.request
    progress(request.label)
    try:
        if order.refused:
            raise BadInput(order.refused, "a program")
        request = order.here(settings.folder)
        return check.check(request, settings, _quiet)
    except BadInput as error:
        return check.refused(order.request, _as_there(error, request, order.request))
    except EcholabError as error:
        return check.broken(order.request, error)


def _as_there(error: BadInput, here: CheckRequest, there: CheckRequest) -> BadInput:
    """The error with the submission's path as the lecturer knows it."""
    path, known = str(here.submission), str(there.submission)
    return BadInput(error.message.replace(path, known), error.remedy.replace(path, known))


def _quiet(line: str) -> None:
    """Show nothing: only the progress of the whole class is shown."""


def _lost(order: Order, why: str) -> CheckResult:
    return check.broken(order.request, CannotRun(f"the checker {why}, twice", "grade again"))


def status(unjudged: bool) -> ExitStatus:
    """0 if everybody could be judged, whatever the grades; 4 if somebody could not."""
    return ExitStatus.CANNOT if unjudged else ExitStatus.PASS
