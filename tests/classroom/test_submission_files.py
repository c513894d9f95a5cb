"""Only the regular files of a submission are carried, and of a build only what is inside."""

from __future__ import annotations

import io
import os
import tarfile
import unicodedata
from pathlib import Path

import pytest

from echolab.classroom import submission_files
from echolab.errors import BadInput


def test_a_folder_is_copied_with_its_run_bits(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "lib").mkdir(parents=True)
    (given / "run").write_text("#!/bin/sh\n")
    (given / "run").chmod(0o755)
    (given / "lib/helper.py").write_text("x = 1\n")
    assert submission_files.pack(given, tmp_path / "taken") == {"lib/helper.py": False, "run": True}
    assert (tmp_path / "taken/lib/helper.py").read_text() == "x = 1\n"


def test_everybody_can_read_a_copy_made_under_any_umask(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "lib").mkdir(parents=True)
    (given / "lib/helper.py").write_text("x = 1\n")
    (given / "main.py").write_text("import lib.helper\n")
    before = os.umask(0o077)
    try:
        submission_files.pack(given, tmp_path / "taken")
    finally:
        os.umask(before)
    taken = tmp_path / "taken"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (taken, *taken.rglob("*"))}
    assert modes == {"taken": 0o777, "lib": 0o777, "helper.py": 0o666, "main.py": 0o666}


def test_a_copy_keeps_the_files_times(tmp_path: Path) -> None:
    (tmp_path / "main.o").write_bytes(b"")
    os.utime(tmp_path / "main.o", (1_000_000_000, 1_000_000_000))
    submission_files.pack(tmp_path / "main.o", tmp_path / "taken")
    assert (tmp_path / "taken/main.o").stat().st_mtime == 1_000_000_000


def test_a_script_from_windows_can_run(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "run").write_bytes(b"#!/bin/sh\r\nexec python3 server.py\r\n")
    (given / "server.py").write_text("pass\n")
    assert submission_files.pack(given, tmp_path / "taken")["run"]
    assert (tmp_path / "taken/run").read_bytes() == b"#!/bin/sh\nexec python3 server.py\n"


def test_folders_that_hold_one_folder_alone_are_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "given/echo/exercise2"
    inner.mkdir(parents=True)
    (inner / "main.py").write_text("pass\n")
    (inner / "util.py").write_text("x = 1\n")
    taken = submission_files.pack(tmp_path / "given", tmp_path / "taken")
    assert sorted(taken) == ["main.py", "util.py"]


def test_a_single_file_is_a_submission(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("pass\n")
    assert submission_files.pack(tmp_path / "client.py", tmp_path / "taken") == {"client.py": False}


def test_links_out_of_it_pipes_and_the_tools_files_are_left_behind(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "main.py").write_text("pass\n")
    (given / "shadow").symlink_to("/etc/shadow")
    os.mkfifo(given / "pipe")
    (given / ".git").mkdir()
    (given / ".git/config").write_text("")
    assert list(submission_files.pack(given, tmp_path / "taken")) == ["main.py"]


def test_a_submission_that_is_too_large_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    with (given / "main.py").open("wb") as file:
        file.truncate(submission_files.LARGEST + 1)
    with pytest.raises(BadInput, match="larger than 64 MiB"):
        submission_files.pack(given, tmp_path / "taken")


def test_a_submission_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read the submission"):
        submission_files.pack(tmp_path / "none", tmp_path / "taken")


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, mode="w:gz") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_what_a_build_made_is_added(tmp_path: Path) -> None:
    member = tarfile.TarInfo("main")
    member.mode = 0o755
    submission_files.unpack(archive(tmp_path / "built", (member, b"program")), tmp_path)
    assert (tmp_path / "main").read_bytes() == b"program"
    assert os.access(tmp_path / "main", os.X_OK)


def test_an_archive_cannot_write_outside_of_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "outer" / "inside"
    inside.mkdir(parents=True)
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    submission_files.unpack(
        archive(
            tmp_path / "built",
            (tarfile.TarInfo("../up"), b"x"),
            (tarfile.TarInfo(f"{tmp_path}/absolute"), b"x"),
            (link, b""),
            (tarfile.TarInfo("link/through"), b"x"),
        ),
        inside,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["built", "outer"]
    assert sorted(path.name for path in (tmp_path / "outer").iterdir()) == ["inside"]
    assert not any(path.is_symlink() for path in inside.rglob("*"))


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"\x1f\x8b\x08"])
def test_a_forged_archive_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "built").write_bytes(data)
    with pytest.raises(BadInput, match="cannot read what the build made"):
        submission_files.unpack(tmp_path / "built", tmp_path)


def test_a_path_is_found_in_the_other_normal_form(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFC", "J\u00fcrgen")).mkdir()
    given = tmp_path / unicodedata.normalize("NFD", "J\u00fcrgen")
    assert submission_files.located(given).exists()
    assert not submission_files.located(tmp_path / "none").exists()


def test_predictions_are_read_and_a_pipe_in_their_place_is_not(tmp_path: Path) -> None:
    (tmp_path / "predictions.txt").write_text("a: 1\n")
    assert submission_files.predictions(tmp_path) == "a: 1\n"
    (tmp_path / "predictions.txt").unlink()
    os.mkfifo(tmp_path / "predictions.txt")
    assert submission_files.predictions(tmp_path) == ""
