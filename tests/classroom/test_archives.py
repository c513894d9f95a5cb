"""Archives are unpacked so that they cannot do harm, and nothing is left out unsaid."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.classroom import archives
from echolab.classroom.archives import Bounds
from echolab.errors import BadInput

Files = dict[str, bytes]

PROGRAM = b"print('hello')\n"


def a_zip(path: Path, files: Files, *, unix_mode: int = stat.S_IFREG | 0o644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (2025, 1, 2, 3, 4, 6))
            info.external_attr = unix_mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, data)
    return path


def a_tar(path: Path, *members: tarfile.TarInfo, data: bytes = PROGRAM, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for member in members:
            member.size = len(data) if member.isreg() else 0
            made.addfile(member, io.BytesIO(data))
    return path


def regular(name: str) -> tarfile.TarInfo:
    return tarfile.TarInfo(name)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    made = tmp_path / "target"
    made.mkdir()
    return made


@pytest.mark.parametrize("name", ["x.zip", "x.ZIP", "x.txt"])
def test_a_zip_is_unpacked_whatever_it_is_called(name: str, tmp_path: Path, target: Path) -> None:
    files = {"main.py": PROGRAM, "lib/util.py": b"x = 1\n"}
    assert archives.unpack(a_zip(tmp_path / name, files), target) == ()
    assert below(target) == ["lib/util.py", "main.py"]
    assert (target / "main.py").read_bytes() == PROGRAM


@pytest.mark.parametrize(("ending", "mode"), [("tar", "w"), ("tgz", "w:gz"), ("tar.xz", "w:xz")])
def test_a_tar_is_unpacked_however_it_is_compressed(
    ending: str, mode: str, tmp_path: Path, target: Path
) -> None:
    archives.unpack(a_tar(tmp_path / f"x.{ending}", regular("a/main.py"), mode=mode), target)
    assert below(target) == ["a/main.py"]


def test_run_bits_and_times_are_kept_and_everybody_can_read(tmp_path: Path, target: Path) -> None:
    files = {"a/run": b"#!/bin/sh\n"}
    made = a_zip(tmp_path / "x.zip", files, unix_mode=stat.S_IFREG | 0o700)
    before = os.umask(0o077)
    try:
        archives.unpack(made, target)
    finally:
        os.umask(before)
    assert (target / "a").stat().st_mode & 0o777 == 0o755
    assert (target / "a/run").stat().st_mode & 0o777 == 0o755
    assert (target / "a/run").stat().st_mtime == archives._zip_time(
        zipfile.ZipInfo("x", (2025, 1, 2, 3, 4, 6))
    )


@pytest.mark.parametrize(
    "name", ["../up.py", "a/../../up.py", "/etc/up.py", "C:/up.py", "..\\up.py"]
)
def test_a_path_that_leads_elsewhere_is_left_out_and_told(
    name: str, tmp_path: Path, target: Path
) -> None:
    made = a_tar(tmp_path / "x.tar.gz", regular(name), regular("main.py"))
    left_out = archives.unpack(made, target)
    assert below(target) == ["main.py"] and not list(tmp_path.glob("up*"))
    assert len(left_out) == 1


def test_links_and_devices_are_left_out_and_told(tmp_path: Path, target: Path) -> None:
    made = a_tar(
        tmp_path / "x.tar",
        link("soft", "/etc"),
        link("hard", "/etc/passwd", tarfile.LNKTYPE),
        link("pipe", "", tarfile.FIFOTYPE),
        link("device", "", tarfile.CHRTYPE),
        regular("soft/through"),
        mode="w",
    )
    left_out = archives.unpack(made, target)
    assert below(target) == ["soft/through"] and not (target / "soft").is_symlink()
    assert [line.partition(" ")[0] for line in left_out] == ["soft", "hard", "pipe", "device"]


def test_a_link_in_a_zip_is_left_out(tmp_path: Path, target: Path) -> None:
    made = a_zip(tmp_path / "x.zip", {"soft": b"/etc/passwd"}, unix_mode=stat.S_IFLNK | 0o777)
    assert archives.unpack(made, target) == ("soft (a link, or not a regular file)",)
    assert list(target.iterdir()) == []


def test_a_bomb_is_refused_and_leaves_nothing(tmp_path: Path, target: Path) -> None:
    made = a_zip(tmp_path / "bomb.zip", {"main.py": PROGRAM, "zeros": bytes(8 << 20)})
    assert made.stat().st_size < 16 << 10
    with pytest.raises(BadInput, match=r"bomb\.zip unpacks to more than 1 MiB"):
        archives.unpack(made, target, Bounds(10, 1 << 20))
    assert list(target.iterdir()) == []


def test_a_bomb_that_lies_about_its_size_is_not_believed(tmp_path: Path, target: Path) -> None:
    made = a_zip(tmp_path / "bomb.zip", {"zeros": bytes(8 << 20)})
    data = made.read_bytes().replace((8 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    made.write_bytes(data)
    with pytest.raises(BadInput, match=r"more than 1 MiB|damaged"):
        archives.unpack(made, target, Bounds(10, 1 << 20))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 1 << 20


def test_too_many_files_or_folders_are_refused(tmp_path: Path, target: Path) -> None:
    folders = [link(f"{number}/", "", tarfile.DIRTYPE) for number in range(11)]
    with pytest.raises(BadInput, match="holds more than 10 files"):
        archives.unpack(a_tar(tmp_path / "x.tgz", *folders), target, Bounds(10, 1 << 20))


def test_a_second_file_of_the_same_name_is_left_out_and_told(tmp_path: Path, target: Path) -> None:
    made = a_tar(tmp_path / "x.tgz", regular("main.py"), regular("main.py"), regular("main.py/x"))
    assert archives.unpack(made, target) == (
        "main.py (another file has its name)",
        "main.py/x (another file has its name)",
    )


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
@pytest.mark.parametrize("data", [b"", b"no archive at all", b"PK\x03\x04", b"\x1f\x8b\x08\0"])
def test_what_is_damaged_is_refused(name: str, data: bytes, tmp_path: Path, target: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=f"{name} is damaged"):
        archives.unpack(tmp_path / name, target)


def test_half_an_archive_is_refused_and_leaves_nothing(tmp_path: Path, target: Path) -> None:
    made = a_tar(tmp_path / "x.tgz", regular("a.py"), regular("b.py"), data=os.urandom(9999))
    made.write_bytes(made.read_bytes()[:-5000])
    with pytest.raises(BadInput, match="damaged"):
        archives.unpack(made, target)
    assert list(target.iterdir()) == []


def test_an_encrypted_zip_is_refused(tmp_path: Path, target: Path) -> None:
    made = a_zip(tmp_path / "x.zip", {"main.py": PROGRAM})
    data = bytearray(made.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    made.write_bytes(bytes(data))
    with pytest.raises(BadInput, match="needs a password"):
        archives.unpack(made, target)


@pytest.mark.parametrize("name", ["x.7z", "x.rar"])
def test_what_cannot_be_unpacked_says_what_to_hand_in(
    name: str, tmp_path: Path, target: Path
) -> None:
    (tmp_path / name).write_bytes(b"7z")
    with pytest.raises(BadInput, match="cannot be unpacked; hand in a"):
        archives.unpack(tmp_path / name, target)


def test_umlauts_are_read_whether_the_zip_says_utf_8_or_not(tmp_path: Path, target: Path) -> None:
    made = a_zip(tmp_path / "x.zip", {"Lo\u0308sung.py": PROGRAM})
    data = bytearray(made.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags + 1] &= ~8
    made.write_bytes(bytes(data))
    archives.unpack(made, target)
    assert below(target) == ["L\u00f6sung.py"]


def test_a_name_that_no_file_can_have_is_left_out_and_told(tmp_path: Path, target: Path) -> None:
    made = a_tar(tmp_path / "x.tgz", regular("x" * 300), regular("main.py"))
    (line,) = archives.unpack(made, target)
    assert "longer than 255 bytes" in line and below(target) == ["main.py"]


def test_what_a_system_adds_by_itself_is_passed_over(tmp_path: Path, target: Path) -> None:
    files = {"__MACOSX/._main.py": b"", ".DS_Store": b"", "main.py": PROGRAM}
    assert archives.unpack(a_zip(tmp_path / "x.zip", files), target) == ()
    assert below(target) == ["main.py"]


@given(st.text(max_size=300))
def test_a_safe_path_stays_below_its_folder(name: str) -> None:
    try:
        path = archives.safe_path(name)
    except BadInput:
        return
    assert os.path.normpath(Path("/folder") / path).startswith("/folder/")
