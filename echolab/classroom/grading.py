"""Grading a class from beginning to end: collect, check, write; and resume where it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path

from echolab import resources
from echolab.classroom import exports, grade, self_test
from echolab.classroom.collection import Collected, collect
from echolab.classroom.exercise import Exercise
from echolab.classroom.grade import Class
from echolab.classroom.gradebook import Gradebook
from echolab.classroom.platforms import Platform
from echolab.errors import BadInput, ExitStatus
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.runs import pool
from echolab.runs.workers import Local, NoWorkers, Workers
from echolab.settings import Settings

LARGEST_SHEET = 64 << 20
"""The most bytes of a grading worksheet that are read."""


@dataclasses.dataclass(frozen=True)
class Order:
    """What a lecturer asks for: whom to grade, where results go, and with how many workers.

    With `resume`, existing results stay; with `again`, only those submissions are graded that these
    labels, names or numbers mean. `sheet` is a Moodle grading worksheet.
    """

    exercise: Exercise
    folder: Path
    out: Path
    seed: int | None = None
    jobs: int | None = None
    resume: bool = False
    again: tuple[str, ...] = ()
    sheet: Path | None = None


def perform(
    order: Order,
    settings: Settings,
    progress: Progress,
    note: Callable[[str], None],
    workers: Workers | None = None,
) -> tuple[str, ExitStatus]:
    """Grade the class; return a table of all, and the status: 4 if somebody was not judged.

    Other workers than this machine's may be given. An interrupt stops it, and so does the loss of
    all workers: what has been graded is written, `note` is told, and the interrupt or error is
    raised again. Raises BadInput and CannotRun as `Gradebook`, `collect` and `self_test` do.
    """
    _keep_apart(order.folder, order.out)
    sheet = _read_sheet(order.sheet) if order.sheet else None
    go_on = order.resume or bool(order.again)
    book = Gradebook(order.out, order.exercise, go_on=go_on)
    collected = collect(order.folder, book.staging)
    _tell(collected, note)
    students = Class.of(order.exercise, collected, order.seed)
    again = students.chosen(order.again)
    if tested := self_test.self_test(order.exercise, settings, progress):
        note(tested)
    book.begin(go_on=go_on)
    left = students.left(book, again) if go_on else students.handed_in
    if len(left) < len(students.handed_in):
        kept = len(students.handed_in) - len(left)
        note(_("{count} keep the result that they have").format(count=kept))
    remarks = students.remarks()
    unfinished: BaseException | None = None
    here = Local(settings, order.jobs or pool.processors())
    graded = grade.grade(students, left, settings, progress, workers or here)
    try:
        with contextlib.closing(graded):
            for one, result in graded:
                book.keep(one, result, students.digest(one))
    except (KeyboardInterrupt, NoWorkers) as stopped:
        unfinished = stopped
    finished = book.finish(students.handed_in, remarks, collected.platform, sheet)
    if unfinished is not None:
        done = _("graded {count} of {of}, which {folder} has, marked as partial")
        note(done.format(count=finished.graded, of=len(finished.every), folder=order.out))
        note(f"{_('to go on')}: {shlex.join(_resuming(order))}")
        raise unfinished
    for line in finished.told:
        note(line)
    return exports.to_table(finished.every), grade.status(finished.unjudged)


def _tell(collected: Collected, note: Callable[[str], None]) -> None:
    """Say what was found, and everything that was left out."""
    late = sum(one.late for one in collected.handed_in)
    found = _("{count} submissions from {source}").format(
        count=len(collected.handed_in), source=_source(collected.platform)
    )
    note(found + (_(", {count} of them late").format(count=late) if late else ""))
    for line in collected.left_out:
        note(f"{_('left out')}: {line}")
    for one in collected.handed_in:
        for remark in (*one.remarks, *([one.refused] if one.refused else [])):
            note(f"{one.label}: {remark}")


def _source(platform: Platform) -> str:
    return _("a folder") if platform == Platform.FOLDER else platform.value


def _keep_apart(folder: Path, out: Path) -> None:
    """Raise BadInput if results would be written over the submissions, or among them."""
    given, target = folder.resolve(), out.resolve()
    if target == given or given.is_relative_to(target / "submissions"):
        raise BadInput(f"{out} has the submissions themselves", "give another --out")


def _read_sheet(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_SHEET).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the grading worksheet {path}: {error}", "check it") from None


def _resuming(order: Order) -> list[str]:
    seed = [] if order.seed is None else ["--seed", str(order.seed)]
    words = [resources.COMMAND, "grade", order.exercise.name, str(order.folder)]
    return [*words, *seed, "--out", str(order.out), "--resume"]
