"""A class is graded: each student for themselves, whatever the others hand in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from echolab.classroom import check, exercise, grade, grading
from echolab.classroom.collection import collect
from echolab.classroom.grade import Class
from echolab.classroom.gradebook import Gradebook
from echolab.classroom.verdict import Verdict
from echolab.errors import BadInput, CannotRun, ExitStatus
from echolab.runs.trees import Tree
from echolab.settings import Settings

FIRST = exercise.find("1")


def a_class(tmp_path: Path, *students: str, seed: int | None = None) -> Class:
    for name in students:
        folder = tmp_path / "class" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.py").write_text(f"# {name}\n")
    return Class.of(FIRST, collect(tmp_path / "class", tmp_path / "staging"), seed)


def seeds(students: Class) -> dict[str, int]:
    return {one.label: students.request(one).seed for one in students.handed_in}


def test_without_a_seed_all_meet_the_same_network(tmp_path: Path) -> None:
    assert set(seeds(a_class(tmp_path, "ada", "bob")).values()) == {1}


def test_with_a_seed_each_student_has_a_network_that_the_name_determines(tmp_path: Path) -> None:
    first = seeds(a_class(tmp_path, "ada", "bob", seed=3))
    later = seeds(a_class(tmp_path, "aaron", seed=3))
    assert len(set(later.values())) == 3
    assert later.items() >= first.items()


def test_a_submission_without_a_program_fails_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "class/ada").mkdir(parents=True)
    (tmp_path / "class/bob").mkdir()
    (tmp_path / "class/bob/echo.rar").write_bytes(b"Rar!")
    students = a_class(tmp_path)
    found = grade.grade(students, students.handed_in, settings(), lambda line: None)
    seen = {one.label: result.cases[0] for one, result in found}
    assert {case.verdict for case in seen.values()} == {Verdict.FAILED}
    assert "has no files" in seen["ada"].seen
    assert "echo.rar cannot be unpacked" in seen["bob"].seen


def test_a_checker_that_was_killed_leaves_its_student_unjudged(tmp_path: Path) -> None:
    students = a_class(tmp_path, "ada")
    request = students.request(students.handed_in[0])
    order = grade.Order(request, "", Tree(students.exercise.folder))
    result = grade._lost(order, "was killed by signal 9")
    assert {case.verdict for case in result.cases} == {Verdict.NOT_JUDGED}
    assert result.cases[0].reason == "the checker was killed by signal 9, twice"
    assert grade.status(True) == ExitStatus.CANNOT


def test_what_is_left_is_what_has_changed_or_was_not_judged(tmp_path: Path) -> None:
    students = a_class(tmp_path, "ada", "bob", "cleo", "dan")
    book = Gradebook(tmp_path / "out", FIRST)
    for one in students.handed_in[:3]:
        failed = check.refused(students.request(one), BadInput("for the test"))
        book.keep(one, failed, students.digest(one))
    broken = check.broken(students.request(students.handed_in[1]), CannotRun("for the test"))
    book.keep(students.handed_in[1], broken, students.digest(students.handed_in[1]))
    (tmp_path / "class/cleo/main.py").write_text("print('fixed')\n")
    students = a_class(tmp_path)
    assert [one.label for one in students.left(book, ())] == ["bob", "cleo", "dan"]
    assert [one.label for one in students.left(book, {"ada"})] == ["ada"]


def test_students_are_chosen_by_label_name_or_number(tmp_path: Path) -> None:
    place = tmp_path / "class/Ada Lovelace_4711_assignsubmission_file"
    place.mkdir(parents=True)
    students = a_class(tmp_path)
    for name in ("Ada Lovelace_4711", "Ada Lovelace", "4711"):
        assert students.chosen([name]) == {"Ada Lovelace_4711"}
    with pytest.raises(BadInput, match="nobody called 'bob' has handed in anything"):
        students.chosen(["bob"])


def test_results_are_not_written_over_the_submissions(tmp_path: Path) -> None:
    a_class(tmp_path, "ada")
    order = grading.Order(FIRST, tmp_path / "class", tmp_path / "class")
    with pytest.raises(BadInput, match="has the submissions themselves"):
        grading.perform(order, settings(), lambda line: None, lambda line: None)
    assert (tmp_path / "class/ada/main.py").is_file()


def test_a_class_that_is_not_there_leaves_the_results_of_the_last(tmp_path: Path) -> None:
    book = Gradebook(tmp_path / "out", FIRST)
    book.begin(go_on=False)
    (tmp_path / "out/results.csv").write_text("student\n")
    order = grading.Order(FIRST, tmp_path / "none", tmp_path / "out")
    with pytest.raises(BadInput, match="there is no"):
        grading.perform(order, settings(), lambda line: None, lambda line: None)
    assert (tmp_path / "out/results.csv").is_file()


def test_progress_tells_names_and_the_time_left() -> None:
    told: list[str] = []
    times = iter((0.0, 10.0, 20.0))
    tally = grade.Tally(3, told.append, lambda: next(times))
    tally.begin("ada")
    tally.begin("bob")
    tally.end("ada", "6 of 7 cases passed")
    tally.begin("cleo")
    tally.end("cleo", "x")
    tally.end("bob", "x")
    assert told[1:] == [
        "graded 0 of 3; checking ada, bob",
        "graded 1 of 3: ada, 6 of 7 cases passed, about 20 s left; checking bob",
        "graded 2 of 3: cleo, x, about 10 s left; checking bob",
        "graded 3 of 3: bob, x",
    ]


@pytest.mark.exact
def test_a_moodle_download_is_graded_and_goes_back(guest: None, tmp_path: Path) -> None:
    room = tmp_path / "download"
    solution = Path(__file__).parents[1] / "exercises/01-stream-client/reference-py"
    shutil.copytree(solution, room / "Ada Lovelace_7_assignsubmission_file")
    broken = room / "Grace Hopper_8_assignsubmission_file"
    broken.mkdir()
    (broken / "main.py").write_text("print('Wir erschrecken zu guten Zwecken!')\n")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "Identifier,Full name,Grade,Maximum Grade,Last modified (grade),Feedback comments\r\n"
        "Participant 7,Ada Lovelace,,10.00,-,\r\nParticipant 8,Grace Hopper,,10.00,-,\r\n"
    )
    noted: list[str] = []
    order = grading.Order(FIRST, room, tmp_path / "out", sheet=sheet)
    table, status = grading.perform(order, settings(), lambda line: None, noted.append)
    assert status == ExitStatus.PASS
    assert noted[0] == "2 submissions from Moodle"
    assert "Ada Lovelace_7  ✔✔✔✔✔✔✔  7/7" in table
    filled = (tmp_path / "out/moodle/grades.csv").read_text(encoding="utf-8")
    assert "Participant 7,Ada Lovelace,10.00,10.00,-,7 of 7 cases passed" in filled
    assert "Participant 8,Grace Hopper,0.00," in filled
    assert (tmp_path / "out/moodle/feedback.zip").is_file()


def settings() -> Settings:
    return Settings.from_environment(os.environ)
