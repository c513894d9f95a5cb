"""Which image is in an archive, and what damaged ones say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echolab.errors import BadInput
from echolab.roots import store
from echolab.roots.config import ImageConfig
from tests.roots.archives import (
    Pack,
    archive,
    config,
    digest,
    entry,
    gzipped,
    link,
    oci,
    oci_files,
    plain,
    saved,
    tar,
    zstd,
)
from tests.roots.conftest import Unpack, files

LAYER = tar([entry("a", b"1"), entry("etc/passwd", b"app:x:5:6::/home:/bin/sh\n")])
OTHER = tar([entry("b", b"2")])

OWN: dict[str, Any] = {"Entrypoint": ["run"], "Cmd": ["x"], "Env": ["A=1", "B=2=3"], "User": "app"}


@pytest.mark.parametrize("pack", [plain, gzipped, zstd])
def test_an_oci_archive_is_read_however_its_layers_are_packed(
    tmp_path: Path, unpack: Unpack, pack: Pack
) -> None:
    root = unpack(oci(tmp_path / "i.tar", [LAYER, OTHER], pack=pack, **OWN))
    assert sorted(files(root)) == ["a", "b", "etc/passwd"]
    assert root.config == ImageConfig(
        ("run",), ("x",), {"A": "1", "B": "2=3"}, "app", "", (digest(LAYER), digest(OTHER))
    )
    assert root.passwd == "app:x:5:6::/home:/bin/sh\n"


def test_one_image_has_one_digest_however_it_came(tmp_path: Path, unpack: Unpack) -> None:
    by_docker = unpack(saved(tmp_path / "d.tar", [LAYER], **OWN))
    by_oci = unpack(oci(tmp_path / "o.tar", [LAYER], **OWN))
    (tmp_path / "packed.tgz").write_bytes(gzipped((tmp_path / "d.tar").read_bytes()))
    assert by_docker == by_oci == unpack(tmp_path / "packed.tgz")
    assert by_docker.digest == digest(config([LAYER], **OWN))


def test_an_unpacked_oci_archive_is_read(tmp_path: Path, unpack: Unpack) -> None:
    folder = tmp_path / "layout"
    for name, data in oci_files([LAYER]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    assert "a" in files(unpack(folder))


def test_a_tar_of_files_alone_is_a_root(tmp_path: Path, unpack: Unpack) -> None:
    (tmp_path / "files.tar").write_bytes(LAYER)
    root = unpack(tmp_path / "files.tar")
    assert root.digest == digest(LAYER) and root.config == ImageConfig()
    assert sorted(files(root)) == ["a", "etc/passwd"]


def test_the_image_of_the_name_is_chosen(tmp_path: Path, unpack: Unpack) -> None:
    first, second = config([LAYER]), config([OTHER])
    found = archive(
        tmp_path / "two.tar",
        {
            "1.json": first,
            "2.json": second,
            "l1": LAYER,
            "l2": OTHER,
            "manifest.json": json.dumps(
                [
                    {"Config": "1.json", "RepoTags": ["one:1"], "Layers": ["l1"]},
                    {"Config": "2.json", "RepoTags": ["two:latest"], "Layers": ["l2"]},
                ]
            ).encode(),
        },
    )
    assert unpack(found, "docker.io/library/two").digest == digest(second)
    with pytest.raises(BadInput, match=r"no image 'three'.*one:1, two:latest"):
        unpack(found, "three")


def test_a_layer_that_an_old_docker_wrote_as_a_link_is_found(
    tmp_path: Path, unpack: Unpack
) -> None:
    about = config([LAYER, LAYER])
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["x/layer.tar", "y/layer.tar"]}]
    path = tmp_path / "i.tar"
    path.write_bytes(
        tar(
            [
                entry("x/layer.tar", LAYER),
                link("y/layer.tar", "../x/layer.tar"),
                entry("c.json", about),
                entry("manifest.json", json.dumps(manifest).encode()),
            ]
        )
    )
    assert "a" in files(unpack(path))


def changed(files: dict[str, bytes], what: str, change: Callable[[bytes], bytes]) -> None:
    """Change the blob whose content has some words in it."""
    name = next(name for name, data in files.items() if what.encode() in data)
    files[name] = change(files[name])


def test_damage_is_named_in_one_line(tmp_path: Path, unpack: Unpack) -> None:
    def refused(files: dict[str, bytes]) -> str:
        with pytest.raises(BadInput) as caught:
            unpack(archive(tmp_path / "i.tar", files))
        assert "\n" not in str(caught.value)
        return caught.value.message

    image = oci_files([LAYER], pack=plain)
    cut = dict(image)
    changed(cut, "app:x", lambda data: data[:700])
    assert "layer 1 is damaged" in refused(cut) or "layer 1 cannot" in refused(cut)
    other = dict(image)
    changed(other, "app:x", lambda data: data.replace(b"app:x", b"app:y"))
    assert "layer 1 is damaged: its digest is" in refused(other)
    about = dict(image)
    changed(about, "diff_ids", lambda data: data + b" ")
    assert "has the digest" in refused(about)
    gone = {name: data for name, data in image.items() if b"app:x" not in data}
    assert "lacks layer 1" in refused(gone)
    assert "is not JSON" in refused({**image, "index.json": b"{"})
    assert "is not a digest" in refused(
        {**image, "index.json": b'{"manifests": [{"digest": "sha256:../../etc/passwd"}]}'}
    )
    packed = oci_files([LAYER], pack=gzipped)
    name = next(name for name, data in packed.items() if data.startswith(b"\x1f\x8b"))
    assert "is damaged" in refused({**packed, name: packed[name][:-9]})
    assert "is damaged" in refused({**packed, name: zstd(LAYER)[:-4]})


def test_a_tar_that_ends_too_soon_is_refused(tmp_path: Path, unpack: Unpack) -> None:
    """Without a digest only its own end tells."""
    for kept_bytes in (512, 700, 1024, 1536):
        (tmp_path / "cut.tar").write_bytes(LAYER[:kept_bytes])
        with pytest.raises(BadInput):
            unpack(tmp_path / "cut.tar")


def test_an_image_for_another_machine_is_refused(tmp_path: Path, unpack: Unpack) -> None:
    with pytest.raises(BadInput, match="for linux/arm64"):
        unpack(saved(tmp_path / "i.tar", [LAYER], architecture="arm64"))


def test_what_is_no_archive_is_refused(tmp_path: Path, unpack: Unpack) -> None:
    (tmp_path / "text").write_text("no archive", encoding="utf-8")
    with pytest.raises(BadInput, match="text is not an archive"):
        unpack(tmp_path / "text")


def test_a_root_is_unpacked_once(tmp_path: Path, unpack: Unpack, cache: Path) -> None:
    first = unpack(saved(tmp_path / "i.tar", [LAYER]))
    inode = first.files.stat().st_ino
    again = unpack(tmp_path / "i.tar")
    assert again == first and again.files.stat().st_ino == inode
    assert store.find(cache, first.digest) == first


def test_what_a_killed_run_left_is_removed(tmp_path: Path, unpack: Unpack, cache: Path) -> None:
    (cache / "roots/.draft-dead/files").mkdir(parents=True)
    unpack(saved(tmp_path / "i.tar", [LAYER]))
    assert [path.name for path in (cache / "roots").glob(".*")] == []
