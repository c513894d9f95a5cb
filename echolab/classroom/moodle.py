"""The files for Moodle: the grading worksheet, and a zip of feedback files.

Sources: Moodle's mod/assign/feedback/offline (grading worksheet) and mod/assign/feedback/file
("Upload multiple feedback files in a zip"). Moodle finds a student's row by the number at the end
of the first column, and the columns by their headings, in the language of the person who downloaded
the worksheet. So a downloaded worksheet is filled in and otherwise left as it is; without one, a
worksheet with English headings is made.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from echolab.classroom import text
from echolab.classroom.graded_submission import Graded
from echolab.errors import BadInput

IDENTIFIER, NAME, MODIFIED = "Identifier", "Full name", "Last modified (grade)"

GRADE = ("Grade", "Bewertung", "Note", "Calificación", "Valutazione")

MOST = ("Maximum Grade", "Maximum grade", "Bestwertung", "Note maximale", "Calificación máxima")

FEEDBACK = ("Feedback comments", "Feedback als Kommentar", "Feedback par commentaires")

POINTS = 100.0
"""The points of a full grade if no worksheet gives another number (Moodle's default)."""

NUMBER = re.compile(r"(\d+)$")


def worksheet(graded: Iterable[Graded]) -> str:
    """A grading worksheet with English headings: a row for each student who was graded."""
    rows = [[IDENTIFIER, NAME, GRADE[0], MOST[0], MODIFIED, FEEDBACK[0]]]
    for one in graded:
        if (share := one.share()) is not None:
            grade, who = _points(share * POINTS), one.handed_in
            row = [f"Participant {who.number}", who.name, grade, _points(POINTS), "-", comment(one)]
            rows.append(row)
    return _written(rows, ",")


def filled_in(sheet: str, graded: Mapping[str, Graded]) -> tuple[str, tuple[str, ...]]:
    """A worksheet with the grades of those students, by number, and those it has no row for.

    Rows of others, and of students who were not judged, stay as they are. Raises BadInput if it is
    not a grading worksheet.
    """
    sheet = sheet.removeprefix("\ufeff")
    headings = sheet.partition("\n")[0]
    separator = ";" if headings.count(";") > headings.count(",") else ","
    rows = list(csv.reader(io.StringIO(sheet, newline=""), delimiter=separator))
    if not rows:
        raise BadInput("the grading worksheet is empty", "download it again")
    grade = _column(rows[0], GRADE)
    most = _column(rows[0], MOST)
    feedback = _place(rows[0], FEEDBACK)
    missing = dict(graded)
    for row in rows[1:]:
        found = NUMBER.search(row[0].strip()) if row else None
        one = missing.pop(found[1], None) if found else None
        share = one.share() if one else None
        if one is None or share is None or len(row) <= max(grade, most):
            continue
        comma = "," in row[most] and "." not in row[most]
        points = _points(share * _number(row[most]))
        row[grade] = points.replace(".", ",") if comma else points
        if feedback is not None:
            row[feedback] = comment(one)
    return _written(rows, separator), tuple(one.label for one in missing.values())


def comment(one: Graded) -> str:
    """The feedback beside a grade, in a line: the report itself is a feedback file."""
    return text.summary(one.result) if one.result else ""


def _points(number: float) -> str:
    return f"{number:.2f}"


def _number(cell: str) -> float:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return POINTS


def _place(headings: Sequence[str], names: Sequence[str]) -> int | None:
    """The number of the column with one of these headings."""
    return next((n for n, heading in enumerate(headings) if heading.strip() in names), None)


def _column(headings: Sequence[str], names: Sequence[str]) -> int:
    found = _place(headings, names)
    if found is None:
        raise BadInput(
            f"the grading worksheet has no column {' or '.join(names[:3])}: "
            f"it has {', '.join(headings)}",
            "download it from the assignment, in English or German",
        )
    return found


def _written(rows: Sequence[Sequence[str]], separator: str) -> str:
    output = io.StringIO()
    csv.writer(output, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return output.getvalue()
