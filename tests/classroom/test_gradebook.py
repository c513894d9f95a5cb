"""Results are written as they come; a second grading replaces all of the first."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from echolab.classroom import check, exercise, exports, graded_submission, text
from echolab.classroom.check import CheckRequest
from echolab.classroom.gradebook import Gradebook
from echolab.classroom.platforms import Platform
from echolab.classroom.staging import HandedIn
from echolab.classroom.verdict import CheckResult
from echolab.errors import BadInput, CannotRun

FIRST = exercise.find("1")


def of(*labels: str) -> tuple[HandedIn, ...]:
    return tuple(
        HandedIn(label, Path(label), label.title(), str(number), f"{label}_{number}_x_file")
        for number, label in enumerate(labels, 1)
    )


def result_of(one: HandedIn) -> CheckResult:
    request = CheckRequest(FIRST, one.path, one.label)
    return check.broken(request, CannotRun("for the test"))


def filled(
    out: Path, *labels: str, missing: int = 0, platform: Platform = Platform.FOLDER
) -> Gradebook:
    book = Gradebook(out, FIRST)
    book.begin(go_on=False)
    for one in of(*labels)[: len(labels) - missing]:
        book.keep(one, result_of(one), "digest")
    book.finish(of(*labels), {}, platform)
    return book


def written(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def test_everything_is_written_for_every_student(tmp_path: Path) -> None:
    filled(tmp_path / "out", "ada", "bob")
    files = written(tmp_path / "out")
    for name in ("ada", "bob"):
        assert {f"reports/{name}.txt", f"results/{name}.json"} <= files
        assert f"gradescope/{name}/results.json" in files
        assert sum(path.startswith(f"artemis/{name}/") for path in files) == len(FIRST.cases)
    assert {"results.csv", "junit.xml", "grading.json"} <= files
    assert "PARTIAL.txt" not in files


def test_a_result_is_kept_whole(tmp_path: Path) -> None:
    book = filled(tmp_path / "out", "ada")
    (ada,) = of("ada")
    assert book.kept("ada") == graded_submission.Kept("digest", result_of(ada))


def test_a_second_grading_replaces_all_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "ada", "bob", "cleo", platform=Platform.MOODLE)
    filled(out, "ada", "dan")
    assert not [path for path in written(out) if "bob" in path or "cleo" in path]
    assert not (out / "moodle").exists()
    assert "cleo" not in (out / "results.csv").read_text(encoding="utf-8")


def test_who_is_not_graded_yet_is_marked_everywhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "ada", "bob", missing=1)
    assert "1 of 2" in (out / "PARTIAL.txt").read_text(encoding="utf-8")
    assert json.loads((out / "grading.json").read_text())["complete"] is False
    with (out / "results.csv").open(encoding="utf-8", newline="") as table:
        verdicts = {row["student"]: row["1 one-piece"] for row in csv.DictReader(table)}
    assert verdicts == {"ada": "not judged", "bob": "not graded"}
    suites = ElementTree.parse(out / "junit.xml").getroot()
    assert [suite.get("skipped") for suite in suites] == ["0", str(len(FIRST.cases))]


def test_to_go_on_keeps_what_there_is_and_drops_who_is_gone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "ada", "bob", missing=1)
    book = Gradebook(out, FIRST, go_on=True)
    book.begin(go_on=True)
    assert book.kept("ada") is not None and book.kept("bob") is None
    for one in of("bob"):
        book.keep(one, result_of(one), "digest")
    book.finish(of("bob"), {}, Platform.FOLDER)
    assert not [path for path in written(out) if "ada" in path]
    assert not (out / "PARTIAL.txt").exists()


def test_to_go_on_needs_results_of_that_exercise(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no results to go on with"):
        Gradebook(tmp_path / "out", FIRST, go_on=True)
    filled(tmp_path / "out", "ada")
    with pytest.raises(BadInput, match="has the results of 01-stream-client"):
        Gradebook(tmp_path / "out", exercise.find("2"), go_on=True)


@pytest.mark.parametrize("name", ["submissions", "results.csv", "reports"])
def test_nothing_is_removed_that_no_grading_has_made(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(BadInput, match=f"has {name}, which no grading has put there"):
        Gradebook(tmp_path, FIRST)
    assert (tmp_path / name).is_dir()


def test_feedback_goes_into_the_folders_that_the_platform_gave(tmp_path: Path) -> None:
    for platform, root in ((Platform.MOODLE, ""), (Platform.ILIAS, "multi_feedback/")):
        out = tmp_path / platform.value
        filled(out, "ada", "bob", platform=platform)
        with zipfile.ZipFile(out / platform.value.lower() / "feedback.zip") as made:
            name = f"{root}ada_1_x_file/01-stream-client.txt"
            assert made.namelist()[0] == name and len(made.namelist()) == 2
            (ada,) = of("ada")
            assert made.read(name).decode() == text.check_text(result_of(ada))


def test_each_result_is_read_once_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = filled(tmp_path / "out", "ada", "bob", "cleo", missing=1)
    read = []
    whole = graded_submission.parse

    def counted(text: str, where: str) -> graded_submission.Kept:
        read.append(where)
        return whole(text, where)

    monkeypatch.setattr(graded_submission, "parse", counted)
    finished = book.finish(of("ada", "bob", "cleo"), {}, Platform.MOODLE)
    assert len(read) == 2
    assert finished.graded == 2 and finished.unjudged
    assert "ada" in exports.to_table(finished.every)


def test_remarks_on_others_are_not_in_a_students_report(tmp_path: Path) -> None:
    book = Gradebook(tmp_path / "out", FIRST)
    book.begin(go_on=False)
    own = HandedIn("ada", Path("ada"), remarks=("left out: x (a link)",))
    book.keep(own, result_of(own), "digest")
    book.finish([own], {"ada": ("the same bytes as bob",)}, Platform.FOLDER)
    report = (tmp_path / "out/reports/ada.txt").read_text(encoding="utf-8")
    assert "note: left out: x (a link)" in report and "bob" not in report
    assert "the same bytes as bob" in (tmp_path / "out/results.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"digest": "x", "result": {"cases": [1]}}'])
def test_a_damaged_result_is_no_result(text: str, tmp_path: Path) -> None:
    book = filled(tmp_path / "out", "ada")
    (tmp_path / "out/results/ada.json").write_text(text)
    assert book.kept("ada") is None
