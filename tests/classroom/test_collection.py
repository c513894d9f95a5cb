"""What learning platforms hand out is read: names, numbers, late ones, and nothing lost unsaid.

The layouts are made by hand, as each platform's documentation and source describe them.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from echolab.classroom import platforms, submission_files
from echolab.classroom.collection import Collected, collect
from echolab.classroom.platforms import Platform
from echolab.classroom.staging import HandedIn, unpacked
from echolab.errors import BadInput

PROGRAM = "import socket\nprint('hello')\n"

Layout = Mapping[str, str | bytes]


def laid_out(folder: Path, layout: Layout) -> Path:
    for name, content in layout.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def zipped(layout: Layout) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in layout.items():
            made.writestr(name, content)
    return stream.getvalue()


def collected(tmp_path: Path, layout: Layout) -> Collected:
    return collect(laid_out(tmp_path / "class", layout), tmp_path / "staging")


def files_of(one: HandedIn) -> list[str]:
    if one.path.is_file():
        return [one.path.name]
    return sorted(str(p.relative_to(one.path)) for p in one.path.rglob("*") if p.is_file())


def by_label(found: Collected) -> dict[str, list[str]]:
    return {one.label: files_of(one) for one in found.handed_in}


# --- Moodle

MOODLE: Layout = {
    "Ada Lovelace_4711_assignsubmission_file/main.py": PROGRAM,
    "Ada Lovelace_4711_assignsubmission_file/lib/util.py": "x = 1\n",
    "Ada Lovelace_4711_assignsubmission_onlinetext/onlinetext.html": "<p>I did my best.</p>",
    "Gruppe 3-Jürgen Müller_4712_assignsubmission_file_/client.zip": zipped({"main.py": PROGRAM}),
    "Grace Hopper_4713_assignsubmission_onlinetext_/onlinetext.html": (
        "<!DOCTYPE html><html><head><meta charset='UTF-8'></head><body>"
        "<p>import socket</p><p>def main():<br>&nbsp; &nbsp; print(1 &lt; 2)</p></body></html>"
    ),
}


def test_moodles_folders_are_read_with_names_and_numbers(tmp_path: Path) -> None:
    found = collected(tmp_path, MOODLE)
    assert found.platform == Platform.MOODLE and found.left_out == ()
    assert by_label(found) == {
        "Ada Lovelace_4711": ["lib/util.py", "main.py"],
        "Grace Hopper_4713": ["main.py"],
        "Gruppe 3-Jürgen Müller_4712": ["main.py"],
    }
    ada, grace, juergen = found.handed_in
    assert [(one.name, one.number) for one in (ada, juergen)] == [
        ("Ada Lovelace", "4711"),
        ("Gruppe 3-Jürgen Müller", "4712"),
    ]
    assert ada.place == "Ada Lovelace_4711_assignsubmission_file"
    assert ada.remarks == ("the text typed into the form was left out",)
    assert grace.remarks == ("the text typed into the form was taken for main.py",)


def test_text_typed_into_moodles_form_keeps_its_lines(tmp_path: Path) -> None:
    grace = collected(tmp_path, MOODLE).handed_in[1]
    written = (grace.path / "main.py").read_text(encoding="utf-8")
    assert written == "import socket\ndef main():\n    print(1 < 2)\n"


def test_what_lies_as_it_was_handed_in_is_not_copied(tmp_path: Path) -> None:
    ada = collected(tmp_path, MOODLE).handed_in[0]
    assert ada.path == tmp_path / "class/Ada Lovelace_4711_assignsubmission_file"


def test_moodles_files_without_folders_become_submissions(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "Ada Lovelace_4711_assignsubmission_file_main.py": PROGRAM,
            "Ada Lovelace_4711_assignsubmission_file_my_util.py": "",
            "Grace Hopper_4713_assignsubmission_file_client.tar.gz": b"damaged",
            "Worksheet.csv": "",
        },
    )
    assert by_label(found)["Ada Lovelace_4711"] == ["main.py", "my_util.py"]
    assert found.handed_in[0].place == "Ada Lovelace_4711_assignsubmission_file_"
    assert "client.tar.gz is damaged" in found.handed_in[1].refused
    assert found.left_out == ("Worksheet.csv (not a submission)",)


def test_typed_text_that_is_not_a_program_is_refused_with_its_reason(tmp_path: Path) -> None:
    page = {"Ada_1_assignsubmission_onlinetext/onlinetext.html": "<p>see my e-mail</p>"}
    (ada,) = collected(tmp_path, page).handed_in
    assert "not a program; hand in the program as a file" in ada.refused


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("#include <stdio.h>\nint main(void) {}", "main.c"),
        ("#include <iostream>\nint main() { std::cout << 1; }", "main.cpp"),
        ("public class Main { }", "Main.java"),
        ("const net = require('net')", "main.js"),
        ("from sys import argv", "main.py"),
    ],
)
def test_the_language_of_typed_text_is_seen(text: str, name: str) -> None:
    assert platforms.program_name(text) == name


# --- ILIAS

ILIAS: Layout = {
    "Blatt 1/Abgaben/Lovelace_Ada_al42_318/main.py": PROGRAM,
    "Blatt 1/Abgaben/Hopper_Grace_g_hopper_319/Verspaetete Abgabe - main.c": "int main;\n",
    "Blatt 1/status.csv": "",
}


def test_iliass_folders_are_read_and_late_files_get_their_names_back(tmp_path: Path) -> None:
    found = collected(tmp_path, ILIAS)
    assert found.platform == Platform.ILIAS
    assert by_label(found) == {
        "Hopper_Grace_g_hopper_319": ["main.c"],
        "Lovelace_Ada_al42_318": ["main.py"],
    }
    grace, ada = found.handed_in
    assert (grace.name, grace.number, grace.late) == ("Grace Hopper", "319", True)
    assert (ada.name, ada.number, ada.late) == ("Ada Lovelace", "318", False)


def test_iliass_teams_are_read(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "Abgaben/Team 7/Lovelace_Ada_al_1/main.py": PROGRAM,
            "Abgaben/Team 9/Hopper_Grace_gh_2/Late Submission - sheet.zip": zipped(
                {"main.py": PROGRAM}
            ),
        },
    )
    assert by_label(found) == {"Hopper_Grace_gh_2": ["main.py"], "Lovelace_Ada_al_1": ["main.py"]}
    assert [one.late for one in found.handed_in] == [True, False]


# --- Canvas

CANVAS: Layout = {
    "lovelaceada_101_5001_main.py": PROGRAM,
    "lovelaceada_101_5002_my_util.py": "x = 1\n",
    "hoppergrace_LATE_102_5003_main-1.py": PROGRAM,
    "turingalan_103_5004_echo.zip": zipped({"echo/main.py": PROGRAM}),
    "curiemarie_104_text.html": "<p>#include &lt;stdio.h&gt;</p>",
}


def test_canvass_files_are_put_together_and_get_their_names_back(tmp_path: Path) -> None:
    found = collected(tmp_path, CANVAS)
    assert found.platform == Platform.CANVAS and found.left_out == ()
    assert by_label(found) == {
        "curiemarie_104": ["main.c"],
        "hoppergrace_102": ["main.py"],
        "lovelaceada_101": ["main.py", "my_util.py"],
        "turingalan_103": ["echo/main.py"],
    }
    late = {one.name: (one.late, one.remarks) for one in found.handed_in}
    assert late["hoppergrace"] == (True, ("main-1.py was taken for main.py",))
    assert late["lovelaceada"] == (False, ())


def test_a_number_that_belongs_to_a_name_stays(tmp_path: Path) -> None:
    found = collected(tmp_path, {"lovelaceada_101_5001_exercise-1.py": PROGRAM})
    assert by_label(found) == {"lovelaceada_101": ["exercise-1.py"]}


# --- Gradescope

METADATA = """---
submission_901:
  :submitters:
  - :name: Ada Lovelace
    :sid: '3034'
    :email: ada@example.org
  - :name: Grace Hopper
    :sid:
  :created_at: 2025-01-02 03:04:05.678000000 Z
  :results: !ruby/object:Anything
    score: 1
submission_902:
  :submitters:
  - :name: Alan Turing
    :sid: '3035'
"""

GRADESCOPE: Layout = {
    "assignment_77_export/submission_metadata.yml": METADATA,
    "assignment_77_export/submission_901/main.py": PROGRAM,
    "assignment_77_export/submission_902/src/main.py": PROGRAM,
    "assignment_77_export/submission_903/main.py": PROGRAM,
}


def test_gradescopes_export_is_read_with_the_names_in_its_metadata(tmp_path: Path) -> None:
    found = collected(tmp_path, GRADESCOPE)
    assert found.platform == Platform.GRADESCOPE and found.left_out == ()
    assert {one.label: (one.name, one.number) for one in found.handed_in} == {
        "Ada Lovelace, Grace Hopper_901": ("Ada Lovelace, Grace Hopper", "3034"),
        "Alan Turing_902": ("Alan Turing", "3035"),
        "submission_903": ("", "903"),
    }


def test_gradescopes_export_without_metadata_goes_by_numbers(tmp_path: Path) -> None:
    found = collected(
        tmp_path, {"submission_901/main.py": PROGRAM, "submission_metadata.yml": "a: [b"}
    )
    assert list(by_label(found)) == ["submission_901"]
    assert "submissions go by their numbers" in found.left_out[0]


# --- a folder made by hand


def test_folders_archives_and_programs_are_submissions_and_the_rest_is_told(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "ada/main.py": PROGRAM,
            "bob.zip": zipped({"main.py": PROGRAM}),
            "cleo.c": "int main;\n",
            "dan/sheet1.zip": zipped({"src/main.py": PROGRAM}),
            "eve/solution.rar": b"Rar!",
            "late/finn/main.py": PROGRAM,
            "late/ada/main.py": PROGRAM,
            "notes.txt": "",
            ".git/config": "",
        },
    )
    assert found.platform == Platform.FOLDER
    assert by_label(found) == {
        "ada": ["main.py"],
        "ada-2": ["main.py"],
        "bob": ["main.py"],
        "cleo": ["cleo.c"],
        "dan": ["src/main.py"],
        "eve": [],
        "finn": ["main.py"],
    }
    assert {one.label for one in found.handed_in if one.late} == {"ada-2", "finn"}
    assert found.left_out == ("notes.txt (not a submission)",)
    (refused,) = (one.refused for one in found.handed_in if one.refused)
    assert refused == "solution.rar cannot be unpacked; hand in a .zip or a .tar.gz"


def test_an_archive_beside_a_program_is_a_file_of_it(tmp_path: Path) -> None:
    archive = zipped({"x.py": ""})
    found = collected(tmp_path, {"ada/main.py": PROGRAM, "ada/data.zip": archive})
    assert by_label(found) == {"ada": ["data.zip", "main.py"]}
    assert found.handed_in[0].path == tmp_path / "class/ada"


def test_several_archives_are_unpacked_beside_one_another(tmp_path: Path) -> None:
    files = {"ada/one.zip": zipped({"x.py": ""}), "ada/two.zip": zipped({"y.py": ""})}
    assert by_label(collected(tmp_path, files)) == {"ada": ["one/x.py", "two/y.py"]}


@pytest.mark.parametrize("name", ["ada.zip", "ada/ada.zip"])
def test_one_submission_is_unpacked_where_it_is_an_archive(name: str, tmp_path: Path) -> None:
    laid_out(tmp_path / "class", {name: zipped({"main.py": PROGRAM})})
    given = tmp_path / "class" / name.partition("/")[0]
    assert [path.name for path in unpacked(given, tmp_path / "work").iterdir()] == ["main.py"]


@pytest.mark.parametrize("where", ["ada.zip", "hand-in/ada.zip"])
def test_an_archive_that_is_all_there_is_in_an_archive_is_unpacked(
    where: str, tmp_path: Path
) -> None:
    inner = zipped({"main.py": PROGRAM})
    files = {"outer.zip": zipped({where: inner}), "bob/x.zip": zipped({where: inner})}
    found = by_label(collected(tmp_path, files))
    program = str(Path(where).with_name("main.py"))
    assert found == {"outer": [program], "bob": [program]}


def test_an_archive_beside_a_program_in_an_archive_stays(tmp_path: Path) -> None:
    outer = zipped({"main.py": PROGRAM, "data.zip": zipped({"x.py": ""})})
    assert by_label(collected(tmp_path, {"ada.zip": outer})) == {"ada": ["data.zip", "main.py"]}


def test_a_folder_that_cannot_be_read_is_one_students_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = laid_out(tmp_path / "class", {"ada/main.py": PROGRAM, "bob/main.py": PROGRAM})
    whole = Path.iterdir

    def forbidden(self: Path) -> Iterator[Path]:
        if self.name == "ada":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return iter(whole(self))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    ada, bob = collect(room, tmp_path / "staging").handed_in
    assert "ada cannot be read: Permission denied" in ada.refused and not bob.refused


def test_one_submission_that_cannot_be_unpacked_is_refused(tmp_path: Path) -> None:
    laid_out(tmp_path, {"ada.7z": b"7z"})
    with pytest.raises(BadInput, match=r"ada\.7z cannot be unpacked"):
        unpacked(tmp_path / "ada.7z", tmp_path / "work")


def test_a_submissions_archive_that_leads_elsewhere_is_told(tmp_path: Path) -> None:
    archive = zipped({"main.py": PROGRAM, "../../evil.py": PROGRAM})
    (ada,) = collected(tmp_path, {"ada/x.zip": archive}).handed_in
    assert ada.remarks == ("left out: ../../evil.py (its path is not below the archive's folder)",)
    assert not list(tmp_path.rglob("evil.py"))


@pytest.mark.parametrize("layout", [MOODLE, ILIAS, CANVAS, GRADESCOPE])
def test_the_platforms_archive_itself_can_be_given(layout: Layout, tmp_path: Path) -> None:
    archive = tmp_path / "download.zip"
    archive.write_bytes(zipped(layout))
    found = collect(archive, tmp_path / "staging")
    unpacked = collected(tmp_path / "other", layout)
    assert by_label(found) == by_label(unpacked)
    assert found.platform == unpacked.platform
    assert not (tmp_path / "staging/.download").exists()


def test_an_archive_of_a_folder_made_by_hand_can_be_given(tmp_path: Path) -> None:
    archive = tmp_path / "class.zip"
    archive.write_bytes(zipped({"class/ada/main.py": PROGRAM, "class/bob/main.py": PROGRAM}))
    assert list(by_label(collect(archive, tmp_path / "staging"))) == ["ada", "bob"]


def test_names_that_no_report_could_have_become_labels_that_it_can(tmp_path: Path) -> None:
    room = tmp_path / "class"
    for name in (b"M\xfcller", b"x" * 250, b"x" * 249 + b"y", b"ADA", b"ada", b"tab\there"):
        (room / os.fsdecode(name)).mkdir(parents=True)
    labels = [one.label for one in collect(room, tmp_path / "staging").handed_in]
    assert len({label.casefold() for label in labels}) == 6
    assert all(len(label.encode()) <= 125 and label.isprintable() for label in labels)
    assert "M\N{REPLACEMENT CHARACTER}ller" in labels


def test_a_link_in_the_class_is_not_followed(tmp_path: Path) -> None:
    room = laid_out(tmp_path / "class", {"ada/main.py": PROGRAM})
    (room / "eve").symlink_to("/etc")
    assert list(by_label(collect(room, tmp_path / "staging"))) == ["ada"]


@pytest.mark.parametrize("name", ["none", "empty", "text"])
def test_what_holds_no_submissions_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("")
    with pytest.raises(BadInput, match=r"there is no|has no submissions|not a folder"):
        collect(tmp_path / name, tmp_path / "staging")


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_is_a_submission_with_a_folder_around_it(kind: str, tmp_path: Path) -> None:
    given = tmp_path / "given" / "exercise2"
    given.mkdir(parents=True)
    (given / "main.py").write_text("pass\n")
    (given / "util.py").write_text("x = 1\n")
    handed_in = Path(shutil.make_archive(str(tmp_path / "handed-in"), kind, tmp_path / "given"))
    taken = submission_files.pack(unpacked(handed_in, tmp_path / "work"), tmp_path / "taken")
    assert sorted(taken) == ["main.py", "util.py"]


def test_an_archive_that_cannot_be_unpacked_is_refused(tmp_path: Path) -> None:
    for name, words in (("a.rar", "cannot be unpacked"), ("a.zip", "damaged|cannot")):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(BadInput, match=words):
            unpacked(tmp_path / name, tmp_path / "work")
