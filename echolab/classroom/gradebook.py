"""The folder of a class's results: written as they come, so that no work is lost.

Strategy: each result is kept in a file of its own, with the digest of everything that it depends
on. At the end, the files for the whole class are made from these, each read once, and only verdicts
stay in memory; so a large class takes little, and grading can be resumed. A folder made by a
grading has `grading.json` in it, and only there is anything removed.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from echolab.classroom import exports, graded_submission, moodle, pages, text
from echolab.classroom.exercise import Exercise
from echolab.classroom.graded_submission import Graded, Kept
from echolab.classroom.platforms import Platform
from echolab.classroom.staging import HandedIn
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.errors import BadInput, CannotRun
from echolab.language import translate as _
from echolab.runs.folders import write

MARK = "grading.json"
"""The file that names the folder's exercise, and says whether everybody was graded."""

PARTIAL = "PARTIAL.txt"
"""The file that says that grading was stopped before its end."""

CLASS_PAGE = "class.html"
"""The page of the class, which links to each student's own."""

PER_STUDENT = ("results", "reports", "gradescope", "artemis")

WHOLE = ("results.csv", "junit.xml", CLASS_PAGE, PARTIAL, MARK)

MADE = (*PER_STUDENT, "submissions", "moodle", "ilias", *WHOLE)
"""Everything that a grading makes in its folder."""

Remarks = Mapping[str, tuple[str, ...]]
"""The remarks on each submission, by its label."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A class as it was written: each submission's verdicts without details, and lines that the
    lecturer must know."""

    every: tuple[Graded, ...]
    told: tuple[str, ...] = ()

    @property
    def graded(self) -> int:
        """How many have a result."""
        return sum(one.result is not None for one in self.every)

    @property
    def unjudged(self) -> bool:
        """Whether somebody, or one of their cases, has not been judged."""
        return any(one.result is None or one.result.count(Verdict.NOT_JUDGED) for one in self.every)


class Gradebook:
    """A class's results in the folder `out`, which is made.

    Raises BadInput if one of the names to write is taken by something else or, with `go_on`, if
    there is nothing to go on with; CannotRun if it cannot be written to.
    """

    def __init__(self, out: Path, exercise: Exercise, *, go_on: bool = False) -> None:
        self._out = out
        self._exercise = exercise
        mark = _mark(out)
        if go_on and mark is None:
            raise BadInput(f"{out} has no results to go on with", "grade without --resume first")
        if go_on and mark != exercise.name:
            raise BadInput(f"{out} has the results of {mark}", "give another --out")
        if mark is None:
            _refuse_others(out)
        self._clear(("submissions",))

    def begin(self, *, go_on: bool) -> None:
        """Remove everything of an earlier grading, unless this one goes on with it."""
        self._clear(() if go_on else [name for name in MADE if name != "submissions"])
        self._write_mark(complete=False)

    def _clear(self, names: Iterable[str]) -> None:
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            for name in names:
                _remove(self._out / name)
        except OSError as error:
            raise CannotRun(
                f"cannot write to {self._out}: {error.strerror}", "give --out DIR"
            ) from None

    @property
    def staging(self) -> Path:
        """Where submissions are restored that are not checked where they lie."""
        return self._out / "submissions"

    def kept(self, label: str) -> Kept | None:
        """The result that is kept of a submission; None if there is none."""
        path = self._out / "results" / f"{label}.json"
        try:
            return graded_submission.parse(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError, BadInput):
            return None

    def keep(self, handed_in: HandedIn, result: CheckResult, digest: str) -> None:
        """Write a result, and everything that is made from it alone."""
        label = handed_in.label
        report = text.check_text(result) + "".join(
            f"{_('note')}: {line}\n" for line in handed_in.remarks
        )
        self._put(f"reports/{label}.txt", report)
        self._put(f"reports/{label}.html", pages.student_page(result))
        self._put(f"gradescope/{label}/results.json", exports.to_gradescope(result))
        artemis = self._out / "artemis" / label
        shutil.rmtree(artemis, ignore_errors=True)
        for file, document in exports.to_artemis(result).items():
            self._put(f"artemis/{label}/{file}", document)
        self._put(f"results/{label}.json", graded_submission.dump(Kept(digest, result)))

    def _graded(self, handed_in: Iterable[HandedIn], remarks: Remarks) -> Iterator[Graded]:
        """Each submission with its result, read one after the other."""
        for one in handed_in:
            kept = self.kept(one.label)
            told = (*one.remarks, *remarks.get(one.label, ()))
            yield Graded(one, kept.result if kept else None, told)

    def finish(
        self,
        handed_in: Sequence[HandedIn],
        remarks: Remarks,
        platform: Platform,
        sheet: str | None = None,
    ) -> Finished:
        """Write the files for the whole class.

        `sheet` is Moodle's grading worksheet, if one was downloaded.
        """
        self._remove_others({one.label for one in handed_in})
        cases = [f"{number} {case.name}" for number, case in enumerate(self._exercise.cases, 1)]
        every: list[Graded] = []
        read = _kept_light(self._graded(handed_in, remarks), every)
        self._stream("junit.xml", exports.to_junit(read, cases))
        self._stream("results.csv", exports.to_csv(every, cases))
        self._page(every)
        told: tuple[str, ...] = ()
        if platform == Platform.MOODLE or sheet is not None:
            told = self._for_moodle(every, sheet)
        if platform in (Platform.MOODLE, Platform.ILIAS):
            self._feedback(platform, handed_in)
        if missing := sum(one.result is None for one in every):
            self._put(PARTIAL, f"{missing} of {len(handed_in)} submissions have not been graded.\n")
        else:
            _remove(self._out / PARTIAL)
        self._write_mark(complete=not missing)
        return Finished(tuple(every), told)

    def _page(self, every: Iterable[Graded]) -> None:
        results = [
            dataclasses.replace(one.result, submission=one.handed_in.label)
            for one in every
            if one.result is not None
        ]
        if results:
            self._put(CLASS_PAGE, pages.class_page(results, self._exercise.name))

    def _for_moodle(self, every: Iterable[Graded], sheet: str | None) -> tuple[str, ...]:
        if sheet is None:
            self._put("moodle/grades.csv", moodle.worksheet(every))
            return ()
        by_number = {one.handed_in.number: one for one in every}
        document, missing = moodle.filled_in(sheet, by_number)
        self._put("moodle/grades.csv", document)
        return tuple(f"the grading worksheet has no row for {label}" for label in missing)

    def _feedback(self, platform: Platform, handed_in: Sequence[HandedIn]) -> None:
        """A zip with each student's report in the folder that the platform gave them."""
        root = "multi_feedback/" if platform == Platform.ILIAS else ""
        path = self._out / platform.value.lower() / "feedback.zip"
        self._make(path.parent)
        part = path.with_suffix(".part")
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as made:
                for one in handed_in:
                    report = self._out / "reports" / f"{one.label}.txt"
                    if one.place and report.is_file():
                        made.write(report, f"{root}{one.place}/{self._exercise.name}.txt")
            part.replace(path)
        except OSError as error:
            raise CannotRun(f"cannot write {path}: {error.strerror}", "free some space") from None
        finally:
            part.unlink(missing_ok=True)

    def _remove_others(self, labels: set[str]) -> None:
        """Remove what is left of submissions that are no longer in the class."""
        for name in PER_STUDENT:
            for path in (self._out / name).glob("*"):
                if (path.name if path.is_dir() else path.stem) not in labels:
                    _remove(path)

    def _write_mark(self, *, complete: bool) -> None:
        document = {"exercise": self._exercise.name, "complete": complete}
        self._put(MARK, json.dumps(document) + "\n")

    def _stream(self, name: str, parts: Iterable[str]) -> None:
        path = self._out / name
        draft = path.with_name(f".{name}.part")
        try:
            with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                file.writelines(parts)
            draft.replace(path)
        except OSError as error:
            raise CannotRun(f"cannot write {path}: {error.strerror}", "free some space") from None
        finally:
            draft.unlink(missing_ok=True)

    def _put(self, name: str, document: str) -> None:
        path = self._out / name
        self._make(path.parent)
        write(path, document)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotRun(f"cannot make {folder}: {error.strerror}", "give --out DIR") from None


def _kept_light(graded: Iterable[Graded], light: list[Graded]) -> Iterator[Graded]:
    """The results unchanged; `light` gets each without details."""
    for one in graded:
        light.append(_without_details(one))
        yield one


def _without_details(one: Graded) -> Graded:
    """The same with the verdicts alone, so that a large class takes little memory."""
    if one.result is None:
        return one
    cases = tuple(
        dataclasses.replace(case, steps=(), timeline=(), output="", seen="", expected="")
        for case in one.result.cases
    )
    return dataclasses.replace(one, result=dataclasses.replace(one.result, cases=cases))


def _mark(out: Path) -> str | None:
    """The exercise whose results a folder has; None if no grading has made it."""
    try:
        return str(json.loads((out / MARK).read_text(encoding="utf-8"))["exercise"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refuse_others(out: Path) -> None:
    foreign = [name for name in MADE if (out / name).exists()]
    if foreign:
        raise BadInput(
            f"{out} has {foreign[0]}, which no grading has put there",
            "move it away, or give another --out",
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
