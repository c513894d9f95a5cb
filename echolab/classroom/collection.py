"""A class's submissions as a learning platform exports them, or as a folder made by hand.

Strategy: the content of the folder shows which platform it is from. A submission that lies there as
its student made it is checked where it is. Any other one (an archive, or files that the platform
renamed or mixed with those of other students) is restored in a folder of its own below `staging`.
Whatever is not taken for a submission is reported.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from echolab.classroom import archives, platforms
from echolab.classroom.platforms import Marked, Platform
from echolab.classroom.recipe import LANGUAGES
from echolab.classroom.staging import HandedIn, Piece, Staging, files_in, visible
from echolab.errors import BadInput, CannotRun

DEEPEST = 3
"""How many folders around the submissions are searched for a platform's names."""

LARGEST_METADATA = 256 << 20
"""The most bytes that are read of Gradescope's list of submitters."""


@dataclasses.dataclass(frozen=True)
class Collected:
    """Everything handed in, by label, where it is from, and what was left out."""

    platform: Platform
    handed_in: tuple[HandedIn, ...]
    left_out: tuple[str, ...] = ()


def collect(given: Path, staging: Path) -> Collected:
    """What is handed in below a folder, or in an archive that a platform made of a class.

    `staging` is a folder that is made when it is needed. Raises BadInput if there is nothing,
    CannotRun if something cannot be read or written.
    """
    try:
        if given.is_file() and archives.is_archive(given.name):
            download = staging / ".download"
            download.mkdir(parents=True)
            try:
                left_out = archives.unpack(given, download, archives.WHOLE_CLASS)
                found = _collect(_room(download), staging, restore_all=True)
            finally:
                shutil.rmtree(download, ignore_errors=True)
            return dataclasses.replace(found, left_out=(*left_out, *found.left_out))
        if not given.is_dir():
            what = f"{given} is not a folder of submissions"
            if not given.exists():
                what = f"there is no folder {given}"
            raise BadInput(what, "name a folder, or the archive that was downloaded")
        return _collect(given, staging, restore_all=False)
    except OSError as error:
        raise CannotRun(
            f"cannot collect the submissions: {error.filename or given}: {error.strerror}",
            "check its permissions, and the space left",
        ) from None


def _room(download: Path) -> Path:
    """The folder of the submissions, if an archive holds nothing but a folder of folders."""
    while len(inside := visible(download)) == 1 and inside[0].is_dir():
        deeper = visible(inside[0])
        if not deeper or not all(path.is_dir() for path in deeper):
            break
        download = inside[0]
    return download


def _collect(folder: Path, staging: Path, *, restore_all: bool) -> Collected:
    stage = Staging(staging, restore_all)
    links = tuple(
        f"{archives.printable(path.name)} (a link)"
        for path in sorted(folder.iterdir())
        if path.is_symlink()
    )
    found = _read(folder, stage)
    return dataclasses.replace(found, left_out=(*links, *found.left_out))


def _read(folder: Path, stage: Staging) -> Collected:
    for read in (_gradescope, _moodle, _ilias, _canvas):
        for room in _rooms(folder):
            found = read(room, stage)
            if found is not None:
                return found
    return _by_hand(folder, stage)


def _rooms(folder: Path) -> Iterable[Path]:
    """The folder, and those below it that are alone in their parents."""
    for _ in range(DEEPEST):
        yield folder
        folders = [path for path in visible(folder) if path.is_dir()]
        if len(folders) != 1:
            return
        (folder,) = folders


def _of_platform(
    platform: Platform,
    students: dict[str, tuple[HandedIn, list[Piece]]],
    stage: Staging,
    left_out: Iterable[Path],
) -> Collected | None:
    if not students:
        return None
    handed_in = [stage.restore(one, pieces) for one, pieces in students.values()]
    told = tuple(f"{archives.printable(path.name)} (not a submission)" for path in left_out)
    return Collected(platform, tuple(sorted(handed_in, key=_by_label)), told)


def _by_label(handed_in: HandedIn) -> str:
    return handed_in.label


def _marked(
    room: Path, read: Callable[[str], Marked | None]
) -> tuple[dict[str, list[tuple[Path, Marked]]], list[Path]]:
    """What is marked in a folder, by the student's number, and the rest."""
    students: dict[str, list[tuple[Path, Marked]]] = {}
    rest = []
    for path in visible(room):
        mark = read(path.name)
        if mark is None:
            rest.append(path)
        else:
            students.setdefault(mark.number, []).append((path, mark))
    return students, rest


def _moodle(room: Path, stage: Staging) -> Collected | None:
    found, rest = _marked(room, platforms.moodle)
    students = {}
    for number, marked in found.items():
        files = [(path, mark) for path, mark in marked if not mark.typed]
        typed = [path for path, mark in marked if mark.typed]
        name = marked[0][1].name
        remarks = ("the text typed into the form was left out",) if files and typed else ()
        place = (files or marked)[0]
        one = HandedIn(
            stage.label(f"{name}_{number}"),
            room,
            name,
            number,
            _moodle_place(*place),
            remarks=remarks,
        )
        pages = [page for path in typed for page in ([path] if path.is_file() else files_in(path))]
        pieces = [Piece(path, mark.file) for path, mark in files]
        students[number] = (one, pieces or [Piece(page, typed=True) for page in pages[:1]])
    return _of_platform(Platform.MOODLE, _with_pieces(students), stage, rest)


def _moodle_place(path: Path, mark: Marked) -> str:
    """The name of the folder for feedback: Moodle's name for the student's own."""
    return path.name.removesuffix(mark.file) if path.is_file() else path.name


def _with_pieces(
    students: dict[str, tuple[HandedIn, list[Piece]]],
) -> dict[str, tuple[HandedIn, list[Piece]]]:
    """The same, with an empty folder as the piece of those who handed one in."""
    return {
        number: (one, pieces or [Piece(one.path / one.place)])
        for number, (one, pieces) in students.items()
    }


def _canvas(room: Path, stage: Staging) -> Collected | None:
    found, rest = _marked(room, platforms.canvas)
    students = {}
    for number, marked in found.items():
        if any(path.is_dir() for path, _ in marked):
            return None
        files = [(path, mark) for path, mark in marked if not mark.typed]
        mark = marked[0][1]
        remarks = []
        if files and len(files) < len(marked):
            remarks.append("the text typed into the form was left out")
        pieces = []
        for path, one in files:
            name = platforms.first_name(one.file)
            pieces.append(Piece(path, name))
            if name != one.file:
                remarks.append(f"{archives.printable(one.file)} was taken for {name}")
        handed_in = HandedIn(
            stage.label(f"{mark.name}_{number}"),
            room,
            mark.name,
            number,
            marked[0][0].name.removesuffix(mark.file),
            any(one.late for _, one in marked),
            tuple(remarks),
        )
        students[number] = (
            handed_in,
            pieces or [Piece(path, typed=True) for path, _ in marked[:1]],
        )
    return _of_platform(Platform.CANVAS, students, stage, rest)


def _ilias(room: Path, stage: Staging) -> Collected | None:
    teams = [path for path in visible(room) if path.is_dir() and path.name.startswith("Team ")]
    found, rest = _marked(room, platforms.ilias)
    for team in teams:
        for number, marked in _marked(team, platforms.ilias)[0].items():
            found.setdefault(number, []).extend(marked)
    folders = [path for path in visible(room) if path.is_dir()]
    marked_paths = {path for marked in found.values() for path, _ in marked}
    if not found or any(path not in marked_paths for path in folders if path not in teams):
        return None
    students = {}
    for number, marked in found.items():
        path, mark = marked[0]
        late = any(platforms.on_time(file.name) != file.name for file in files_in(path))
        one = HandedIn(stage.label(path.name), room, mark.name, number, path.name, late)
        students[number] = (one, [Piece(path) for path, _ in marked])
    return _of_platform(
        Platform.ILIAS, students, stage, [path for path in rest if path not in teams]
    )


def _gradescope(room: Path, stage: Staging) -> Collected | None:
    found, rest = _marked(room, platforms.gradescope)
    metadata = room / platforms.METADATA
    if not found and not metadata.is_file():
        return None
    people: dict[str, platforms.Submitters] = {}
    told: tuple[str, ...] = ()
    if metadata.is_file() and metadata.stat().st_size <= LARGEST_METADATA:
        try:
            people = platforms.submitters(metadata.read_text(encoding="utf-8", errors="replace"))
        except BadInput as error:
            told = (f"{error}; submissions go by their numbers",)
    students = {}
    for number, marked in found.items():
        path = marked[0][0]
        who = people.get(path.name, platforms.Submitters("", ""))
        label = stage.label(f"{who.names}_{number}" if who.names else path.name)
        one = HandedIn(label, room, who.names, who.numbers or number, path.name)
        students[number] = (one, [Piece(path) for path, _ in marked])
    collected = _of_platform(
        Platform.GRADESCOPE, students, stage, [path for path in rest if path != metadata]
    )
    return collected and dataclasses.replace(collected, left_out=(*told, *collected.left_out))


def _by_hand(folder: Path, stage: Staging) -> Collected:
    """A folder that somebody made: each folder, archive or program in it is a student's."""
    handed_in = []
    left_out = []
    for path, late in _with_late(folder):
        if path.is_dir():
            name = path.name
        elif archives.is_packed(path.name):
            name = archives.stem(path.name)
        elif path.suffix in LANGUAGES:
            name = path.stem
        else:
            left_out.append(f"{archives.printable(path.name)} (not a submission)")
            continue
        one = HandedIn(stage.label(name), path, late=late)
        handed_in.append(stage.restore(one, [Piece(path)]))
    if not handed_in:
        raise BadInput(
            f"{folder} has no submissions",
            "it must have a folder for each student, or be what a learning platform hands out",
        )
    return Collected(Platform.FOLDER, tuple(sorted(handed_in, key=_by_label)), tuple(left_out))


def _with_late(folder: Path) -> Iterable[tuple[Path, bool]]:
    """What is in the folder, and in a folder of late submissions in it; and which is late."""
    for path in visible(folder):
        if path.is_dir() and path.name.lower() in platforms.LATE_FOLDERS:
            yield from ((inside, True) for inside in visible(path))
        else:
            yield path, False
