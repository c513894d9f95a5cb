"""Layers over one another, and what hostile ones cannot do."""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

import pytest

from echolab.errors import BadInput
from echolab.roots.layers import LARGEST
from tests.roots.archives import Entry, entry, folder, hard, link, saved, tar
from tests.roots.conftest import Unpack, entries, files


def test_a_later_layer_replaces_and_adds(tmp_path: Path, unpack: Unpack) -> None:
    lower = tar([folder("a"), entry("a/one", b"1"), entry("a/two", b"2"), entry("b", b"file")])
    upper = tar([entry("a/two", b"new"), folder("b"), entry("b/inner", b"x")])
    root = unpack(saved(tmp_path / "i.tar", [lower, upper]))
    assert files(root) == {"a/one": "1", "a/two": "new", "b/inner": "x"}


def test_a_whiteout_takes_away_what_is_below_and_nothing_else(
    tmp_path: Path, unpack: Unpack
) -> None:
    lower = tar([entry("a/gone", b"1"), entry("a/stays", b"2"), entry("d/x/y", b"3")])
    upper = tar([entry("a/.wh.gone"), entry(".wh.d"), entry("a/.wh.never"), entry("z/.wh.z")])
    assert files(unpack(saved(tmp_path / "i.tar", [lower, upper]))) == {"a/stays": "2"}


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_folder_has_what_its_own_layer_puts_there(
    tmp_path: Path, unpack: Unpack, first: bool
) -> None:
    """Wherever in the layer the mark stands (layer.md, "Opaque Whiteout")."""
    lower = tar([entry("a/old", b"1"), entry("a/sub/old", b"1"), entry("b", b"2")])
    mark, new = entry("a/.wh..wh..opq"), [entry("a/new", b"3"), entry("a/sub/new", b"4")]
    upper = tar([mark, *new] if first else [*new, mark])
    found = files(unpack(saved(tmp_path / "i.tar", [lower, upper])))
    assert found == {"a/new": "3", "a/sub/new": "4", "b": "2"}


def test_what_is_there_twice_is_as_the_last_entry_says(tmp_path: Path, unpack: Unpack) -> None:
    twice = [entry("a", b"1"), entry("a", b"2"), link("b", "a"), entry("b", b"3"), folder("a")]
    found = unpack(saved(tmp_path / "i.tar", [tar(twice)]))
    assert files(found) == {"b": "3"} and (found.files / "a").is_dir()


def test_owners_and_modes_are_told_and_not_given_to_files_of_this_machine(
    tmp_path: Path, unpack: Unpack
) -> None:
    layer = [
        folder("home", uid=7, gid=8, mode=0o1777),
        entry("home/tool", b"x", uid=0, mode=0o4755),
        entry("home/secret", b"x", uid=99, mode=0o000),
        entry("ping", b"x", pax_headers={"SCHILY.xattr.security.capability": "\1\2"}),
        entry("odd", b"x", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"}),
    ]
    root = unpack(saved(tmp_path / "i.tar", [tar(layer)]))
    told = entries(root)
    assert told["home"][:4] == ["d", 7, 8, 0o1777]
    assert told["home/tool"][:4] == ["f", 0, 0, 0o4755]
    assert told["home/secret"][:4] == ["f", 99, 0, 0]
    assert told["home/tool"][4] == 1_600_000_000
    assert told["ping"][5] == {"security.capability": "0102"}
    assert told["odd"][5] == {}
    for path in root.files.rglob("*"):
        status = path.lstat()
        assert status.st_uid == os.geteuid() and not status.st_mode & 0o7000
        assert status.st_mode & stat.S_IRUSR


def test_devices_are_told_and_not_made(tmp_path: Path, unpack: Unpack) -> None:
    layer = [
        entry("disk", type=tarfile.BLKTYPE, devmajor=8, devminor=1),
        entry("tty", type=tarfile.CHRTYPE, devmajor=5, devminor=0),
        entry("pipe", type=tarfile.FIFOTYPE),
    ]
    root = unpack(saved(tmp_path / "i.tar", [tar(layer)]))
    assert not list(root.files.iterdir())
    assert {name: (told[0], told[6]) for name, told in entries(root).items() if name} == {
        "disk": ("b", [8, 1]),
        "tty": ("c", [5, 0]),
        "pipe": ("p", [0, 0]),
    }


def test_hard_links_are_files_of_their_own_name(tmp_path: Path, unpack: Unpack) -> None:
    layer = [entry("a", b"1"), hard("b/c", "a"), hard("d", "/a"), hard("a", "a")]
    found = unpack(saved(tmp_path / "i.tar", [tar(layer)]))
    assert files(found) == {"a": "1", "b/c": "1", "d": "1"}


def test_links_are_followed_within_the_root(tmp_path: Path, unpack: Unpack) -> None:
    """As for a program whose root it is; a file that is itself a link is replaced."""
    outside = tmp_path / "outside"
    outside.mkdir()
    layer = [
        link("abs", str(outside)),
        entry("abs/one", b"1"),
        link("up", "../../../../.."),
        entry("up/two", b"2"),
        link("lib", "usr/lib"),
        entry("lib/three", b"3"),
        link("etc", "/usr/etc"),
        link("four", "/etc/four"),
        entry("four", b"4"),
    ]
    root = unpack(saved(tmp_path / "i.tar", [tar(layer)]))
    found = files(root)
    assert list(outside.iterdir()) == []
    assert found[f"{str(outside)[1:]}/one"] == "1"
    assert found["two"] == "2" and found["usr/lib/three"] == "3" and found["four"] == "4"


HOSTILE: dict[str, tuple[list[Entry], str]] = {
    "dots": ([entry("../out", b"x")], "'..'"),
    "dots within": ([entry("a/../../out", b"x")], "'..'"),
    "dots of a link": ([hard("a", "../../etc/passwd")], "'..'"),
    "hard link to nothing": ([hard("a", "/etc/passwd")], "a file that is not there"),
    "hard link to a folder": ([folder("d"), hard("a", "d")], "a folder"),
    "hard link through a link": ([link("l", "/etc"), hard("a", "l/passwd")], "not there"),
    "links without end": ([link("a", "b"), link("b", "a"), entry("a/x", b"")], "symbolic links"),
    "file as a folder": ([entry("a", b"x"), entry("a/b", b"x")], "not a folder"),
    "hidden by a device": ([entry("a", type=tarfile.CHRTYPE)], "device"),
    "whiteout of the folder": ([entry("a/.wh...")], "whiteout"),
    "whiteout of nothing": ([entry("a/.wh.")], "whiteout"),
    "no kind": ([entry("a", type=b"Z")], "kind"),
    "root is a file": ([entry("./", b"x")], "root"),
    "long name": ([entry("a" * 300, b"x")], "too long"),
    "too deep": ([entry("/".join(["a"] * 300), b"x")], "deep"),
    "negative owner": ([entry("a", uid=-5)], "number -5"),
    "huge header": ([entry("a", pax_headers={"comment": "x" * (2 << 20)})], "header"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_layer_is_refused_in_one_line_and_leaves_nothing(
    tmp_path: Path, unpack: Unpack, cache: Path, name: str
) -> None:
    layer, why = HOSTILE[name]
    path = saved(tmp_path / "i.tar", [tar(layer)])
    with pytest.raises(BadInput) as caught:
        unpack(path)
    assert why in caught.value.message and "\n" not in str(caught.value)
    assert "i.tar: layer 1" in caught.value.message
    assert not list((cache / "roots").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "i.tar"]


def test_a_file_that_only_claims_its_size_is_refused(tmp_path: Path, unpack: Unpack) -> None:
    info, _ = entry("big")
    info.size = 1 << 40
    huge = info.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024
    with pytest.raises(BadInput, match=f"{1 << 40} bytes"):
        unpack(saved(tmp_path / "i.tar", [huge]))
    info.size = LARGEST - 1
    with pytest.raises(BadInput, match="is damaged"):
        unpack(saved(tmp_path / "j.tar", [info.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024]))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_archive_is_read(tmp_path: Path, unpack: Unpack, form: int) -> None:
    long = f"{'d' * 90}/{'f' * 90}"
    root = unpack(saved(tmp_path / "i.tar", [tar([entry(long, b"1")], form)]))
    assert files(root) == {long: "1"}


def test_names_that_are_not_utf_8_are_kept(tmp_path: Path, unpack: Unpack) -> None:
    root = unpack(saved(tmp_path / "i.tar", [tar([entry("a\udcff", b"1")], tarfile.GNU_FORMAT)]))
    assert [os.fsencode(path.name) for path in root.files.iterdir()] == [b"a\xff"]
    assert "a\udcff" in entries(root)
