"""Only the regular files of a submission are carried, and of a build only what is inside."""

from __future__ import annotations

import base64
import io
import os
import tarfile
from pathlib import Path

import pytest

from echolab.classroom import parcel
from echolab.errors import BadInput


def test_a_folder_is_copied_with_its_run_bits(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "lib").mkdir(parents=True)
    (given / "run").write_text("#!/bin/sh\n")
    (given / "run").chmod(0o755)
    (given / "lib/helper.py").write_text("x = 1\n")
    assert parcel.pack(given, tmp_path / "taken") == {"lib/helper.py": False, "run": True}
    assert (tmp_path / "taken/lib/helper.py").read_text() == "x = 1\n"


def test_a_single_file_is_a_submission(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("pass\n")
    assert parcel.pack(tmp_path / "client.py", tmp_path / "taken") == {"client.py": False}


def test_links_pipes_and_hidden_files_are_left_behind(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "main.py").write_text("pass\n")
    (given / "shadow").symlink_to("/etc/shadow")
    os.mkfifo(given / "pipe")
    (given / ".git").mkdir()
    (given / ".git/config").write_text("")
    assert list(parcel.pack(given, tmp_path / "taken")) == ["main.py"]


def test_a_submission_that_is_too_large_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    with (given / "main.py").open("wb") as file:
        file.truncate(parcel.LARGEST + 1)
    with pytest.raises(BadInput, match="larger than 16 MiB"):
        parcel.pack(given, tmp_path / "taken")


def test_a_submission_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read the submission"):
        parcel.pack(tmp_path / "none", tmp_path / "taken")


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> str:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return base64.b64encode(stream.getvalue()).decode()


def test_what_a_build_made_is_added(tmp_path: Path) -> None:
    member = tarfile.TarInfo("main")
    member.mode = 0o755
    parcel.unpack(archive((member, b"program")), tmp_path)
    assert (tmp_path / "main").read_bytes() == b"program"
    assert os.access(tmp_path / "main", os.X_OK)


def test_an_archive_cannot_write_outside_of_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    parcel.unpack(
        archive(
            (tarfile.TarInfo("../up"), b"x"),
            (tarfile.TarInfo(f"{tmp_path}/absolute"), b"x"),
            (link, b""),
            (tarfile.TarInfo("link/through"), b"x"),
        ),
        inside,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside"]
    assert not any(path.is_symlink() for path in inside.rglob("*"))


@pytest.mark.parametrize("text", ["", "no base64 at all", "AAAA"])
def test_a_forged_archive_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        parcel.unpack(text, tmp_path)


def test_predictions_are_read_and_a_pipe_in_their_place_is_not(tmp_path: Path) -> None:
    (tmp_path / "predictions.txt").write_text("a: 1\n")
    assert parcel.predictions(tmp_path) == "a: 1\n"
    (tmp_path / "predictions.txt").unlink()
    os.mkfifo(tmp_path / "predictions.txt")
    assert parcel.predictions(tmp_path) == ""
