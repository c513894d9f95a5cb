"""The images in an archive: in OCI form, from `docker save`, or the files themselves in a tar.

`find` reads what an archive, or an unpacked OCI folder, says about its images; to unpack one, open
its layers by `Image.layers`. Every digest is checked.

Source: OCI Image Specification, image-layout.md, image-index.md and manifest.md; for
`docker save` moby/image/spec/v1.2.md.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from echolab.errors import BadInput
from echolab.roots import config, reference, streams
from echolab.roots.config import ImageConfig
from echolab.roots.entries import Entry
from echolab.roots.tree import Outside

INDEX, MANIFEST = "index.json", "manifest.json"

NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Annotations that name an image in an index."""

LARGEST_DOCUMENT = 4 << 20
"""The most bytes of one JSON document of an archive."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

MOST_LINKS = 8

DEEPEST = 4
"""How deep indexes may be nested."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer: how to open it, its digest once unpacked, and its name for messages.

    `digest` is None where nothing says it.
    """

    open: Callable[[], contextlib.AbstractContextManager[IO[bytes]]]
    digest: str | None
    where: str


@dataclasses.dataclass(frozen=True)
class Image:
    """An image of an archive: its digest, its configuration, its layers from the lowest up.

    `digest` is that of its configuration, which names the digests of all layers; Docker calls it
    the image's ID. It is "" if there is no configuration: then the layer's digest is used.
    """

    digest: str
    config: ImageConfig
    layers: tuple[Layer, ...]


@contextlib.contextmanager
def find(path: Path, name: str, where: str) -> Iterator[Image]:
    """The image of that name in an archive or an OCI folder; its layers are readable within.

    `where` is what messages call it.

    Raises BadInput for a path that is neither, is damaged, or has several images but none of that
    name.
    """
    with contextlib.ExitStack() as undo:
        try:
            if path.is_dir():
                blobs: _Blobs = _Folder(path, where)
            else:
                blobs = _Archive(path, where, undo)
        except (*streams.DAMAGED, Outside) as error:
            raise BadInput(
                f"{where} is not an archive: {error}", "give one of `docker save`, or a folder"
            ) from None
        except OSError as error:
            raise BadInput(f"{where} cannot be read: {error.strerror}", "give another") from None
        yield _chosen(blobs, name)


def is_layout(folder: Path) -> bool:
    """Whether a folder is an unpacked OCI archive, and not the files of an image."""
    return (folder / "oci-layout").is_file() and (folder / INDEX).is_file()


class _Blobs:
    """The files of an archive, by their names in it."""

    where: str

    def has(self, name: str) -> bool:
        """Whether it has a file of that name."""
        raise NotImplementedError

    def open(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        """One of the files, opened for reading; it is seekable."""
        raise NotImplementedError

    def document(self, name: str, digest: str | None = None) -> Any:
        """The JSON of one of the files, whose digest is checked. Raises BadInput."""
        content = self._content(name)
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if digest is not None and found != digest:
            raise self.damaged(f"{name} has the digest {found}")
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise self.damaged(f"{name} is not JSON") from None

    def digest(self, name: str) -> str:
        """The digest of one of the files."""
        return f"sha256:{hashlib.sha256(self._content(name)).hexdigest()}"

    def _content(self, name: str) -> bytes:
        if not self.has(name):
            raise self.damaged(f"it has no {name}")
        with self.open(name) as file:
            content = file.read(LARGEST_DOCUMENT + 1)
        if len(content) > LARGEST_DOCUMENT:
            raise self.damaged(f"{name} is too large")
        return content

    def damaged(self, why: str) -> BadInput:
        """The error for a damaged archive."""
        return BadInput(f"{self.where} is damaged: {why}", "make the archive again")


class _Folder(_Blobs):
    def __init__(self, path: Path, where: str) -> None:
        self.where = where
        self._path = path

    def has(self, name: str) -> bool:
        return (self._path / name).is_file()

    def open(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        return open(self._path / name, "rb")


class _Archive(_Blobs):
    """A tar file, decompressed first if necessary, since it is read in any order."""

    def __init__(self, path: Path, where: str, undo: contextlib.ExitStack) -> None:
        self.where = where
        file: IO[bytes] = undo.enter_context(path.open("rb"))
        with streams.unpacked(file, self.where) as plain:
            if plain is not file:
                whole = cast(IO[bytes], undo.enter_context(tempfile.TemporaryFile()))
                while data := plain.read(streams.CHUNK):
                    whole.write(data)
                file = whole
        self._file = file
        file.seek(0)
        archive = undo.enter_context(tarfile.open(fileobj=file, mode="r:", tarinfo=Entry))
        try:
            self._entries = {one.name.removeprefix("./"): one for one in archive}
        except Outside as error:
            raise self.damaged(str(error)) from None
        self._archive = archive

    def has(self, name: str) -> bool:
        return self._entry(name) is not None

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        entry = self._entry(name)
        found = None if entry is None else self._archive.extractfile(entry)
        if found is None:
            raise self.damaged(f"it has no {name}")
        with found:
            yield found

    @contextlib.contextmanager
    def whole(self) -> Iterator[IO[bytes]]:
        """The archive itself."""
        self._file.seek(0)
        yield self._file

    def _entry(self, name: str) -> tarfile.TarInfo | None:
        """The file of that name; old archives have links from one layer to an identical one."""
        for _ in range(MOST_LINKS):
            entry = self._entries.get(name)
            if entry is None or entry.isreg():
                return entry
            if not entry.issym():
                return None
            name = os.path.normpath(os.path.join(os.path.dirname(name), entry.linkname))
        return None


def _chosen(blobs: _Blobs, name: str) -> Image:
    if blobs.has(MANIFEST):
        return _saved(blobs, name)
    if blobs.has(INDEX):
        return _of_index(blobs, name)
    if isinstance(blobs, _Archive):
        return Image("", ImageConfig(), (Layer(blobs.whole, None, blobs.where),))
    raise BadInput(f"{blobs.where} is neither an archive nor a folder of files", "give another")


# --- docker save


def _saved(blobs: _Blobs, name: str) -> Image:
    entries = _list(blobs, blobs.document(MANIFEST), MANIFEST)
    names = [(tuple(one.get("RepoTags") or ()), one) for one in entries]
    entry = _named(blobs, names, name)
    about = _text(blobs, entry, "Config")
    digest = _named_digest(about) or blobs.digest(about)
    document = blobs.document(about, digest)
    layers = entry.get("Layers")
    if not isinstance(layers, list) or not all(isinstance(one, str) for one in layers):
        raise blobs.damaged(f"{MANIFEST} names no layers")
    return _image(blobs, digest, document, layers)


def _named_digest(path: str) -> str | None:
    """The digest that a file of `docker save` has in its name, if it has one."""
    found = re.search(r"(?:^|/)([0-9a-f]{64})(?:\.json)?$", path)
    return f"sha256:{found[1]}" if found else None


# --- OCI


def _of_index(blobs: _Blobs, name: str) -> Image:
    document = blobs.document(INDEX)
    described = _list(blobs, _mapping(blobs, document, INDEX).get("manifests"), INDEX)
    names = [
        (tuple(str((one.get("annotations") or {}).get(key, "")) for key in NAMES), one)
        for one in described
    ]
    entry = _named(blobs, names, name)
    for _ in range(DEEPEST):
        where = _blob(blobs, entry)
        manifest = _mapping(blobs, blobs.document(where, entry["digest"]), where)
        if "manifests" not in manifest:
            break
        entry = _for_this_machine(blobs, _list(blobs, manifest["manifests"], where))
    about = _mapping(blobs, manifest.get("config"), where)
    if "layers" not in manifest:
        raise blobs.damaged(f"{where} names no layers")
    layers = [_blob(blobs, one) for one in _list(blobs, manifest["layers"], where)]
    document = blobs.document(_blob(blobs, about), about["digest"])
    return _image(blobs, about["digest"], document, layers)


def _for_this_machine(blobs: _Blobs, described: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    platforms = []
    for one in described:
        platform = one.get("platform") or {}
        system, architecture = platform.get("os"), platform.get("architecture")
        if (system, architecture) == (config.SYSTEM, config.ARCHITECTURES[0]):
            return one
        platforms.append(f"{system}/{architecture}")
    raise BadInput(
        f"{blobs.where} has no image for linux/amd64, only for {', '.join(platforms) or 'none'}",
        "give one for linux/amd64",
    )


def _blob(blobs: _Blobs, described: Mapping[str, Any]) -> str:
    digest = described.get("digest")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise blobs.damaged(f"{digest!r} is not a digest")
    return f"blobs/{digest.replace(':', '/')}"


# --- both


def _named(
    blobs: _Blobs, names: list[tuple[tuple[str, ...], Mapping[str, Any]]], name: str
) -> Mapping[str, Any]:
    """The entry of that name; the only one, whatever its name is."""
    if len(names) == 1:
        return names[0][1]
    wanted = reference.whole(name)
    tag = wanted.rpartition(":")[2]
    for fits in (lambda one: reference.whole(one) == wanted, lambda one: one == tag):
        for known, entry in names:
            if any(one and fits(one) for one in known):
                return entry
    there = ", ".join(one for known, _ in names for one in known if one) or "none with a name"
    raise BadInput(f"{blobs.where} has no image '{name}'", f"it has {there}")


def _image(blobs: _Blobs, digest: str, document: object, layers: list[str]) -> Image:
    about = config.parse(document, blobs.where)
    if len(about.layers) != len(layers):
        raise blobs.damaged(f"it has {len(layers)} layers, its configuration {len(about.layers)}")
    for number, (layer, unpacked) in enumerate(zip(layers, about.layers, strict=True), start=1):
        if not blobs.has(layer):
            raise blobs.damaged(f"it lacks layer {number}, {layer}")
        if not DIGEST.fullmatch(unpacked):
            raise blobs.damaged(f"{unpacked!r} is not a digest")
    return Image(
        digest,
        about,
        tuple(
            Layer(_opener(blobs, layer), unpacked, f"{blobs.where}: layer {number}")
            for number, (layer, unpacked) in enumerate(
                zip(layers, about.layers, strict=True), start=1
            )
        ),
    )


def _opener(blobs: _Blobs, name: str) -> Callable[[], contextlib.AbstractContextManager[IO[bytes]]]:
    return lambda: blobs.open(name)


def _mapping(blobs: _Blobs, value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise blobs.damaged(f"{where} is not what it must be")
    return value


def _list(blobs: _Blobs, value: object, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise blobs.damaged(f"{where} is not what it must be")
    if not value:
        raise blobs.damaged(f"{where} is empty")
    return value


def _text(blobs: _Blobs, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise blobs.damaged(f"{MANIFEST} has no {key}")
    return value
