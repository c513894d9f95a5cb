"""This user's roots: each is in the cache, by its digest, and never changes there.

`DIGEST/root.json` has the image's configuration, `DIGEST/entries.json` the owner of each file and
whatever else the disk does not tell, `DIGEST/files` the files themselves. A user's own folder has
the first two only. `names.json` has the digests that archives and images had when they were last
examined.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from echolab import cache_file
from echolab.errors import BadInput, CannotRun
from echolab.roots import tree
from echolab.roots.archive import Image
from echolab.roots.config import ImageConfig
from echolab.roots.layers import Unpacking
from echolab.roots.tree import FILE, FOLDER, LINK, Node, Tree
from echolab.topology import Health

FOLDER_NAME, ABOUT, ENTRIES, FILES, NAMES, LOCK = (
    "roots",
    "root.json",
    "entries.json",
    "files",
    "names.json",
    "lock",
)

LARGEST_TEXT = 1 << 20
"""The most bytes of /etc/passwd and /etc/group that are read."""


@dataclasses.dataclass(frozen=True)
class Root:
    """A root that is in the cache; `passwd` and `group` are the texts of its accounts."""

    digest: str
    files: Path
    entries: Path
    config: ImageConfig
    passwd: str = ""
    group: str = ""


def find(cache: Path, digest: str) -> Root | None:
    """The root of that digest, if it is kept."""
    place = _place(cache, digest)
    try:
        about = json.loads((place / ABOUT).read_text(encoding="utf-8"))
        config = about["config"]
        return Root(
            about["digest"],
            Path(about["files"] or place / FILES),
            place / ENTRIES,
            ImageConfig(
                tuple(config["entrypoint"]),
                tuple(config["command"]),
                config["environment"],
                config["user"],
                config["workdir"],
                tuple(config["layers"]),
                _health(config["health"]),
            ),
            about["passwd"],
            about["group"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _health(kept: Mapping[str, Any] | None) -> Health | None:
    return None if kept is None else Health(**{**kept, "test": tuple(kept["test"])})


def unpack(cache: Path, image: Image) -> Root:
    """The root of an image, unpacked first unless it is in the cache.

    Raises BadInput for layers that are damaged or lead outside, CannotRun for a full disk.
    """
    found = find(cache, image.digest) if image.digest else None
    if found is not None:
        return found
    with _draft(cache) as draft:
        files = draft / FILES
        files.mkdir(mode=0o700)
        unpacking = Unpacking(str(files))
        digest = image.digest
        for layer in image.layers:
            with layer.open() as stream:
                unpacked = unpacking.add(stream, layer.where, layer.digest)
            digest = digest or unpacked
        nodes = unpacking.finish()
        root = Root(
            digest,
            files,
            draft / ENTRIES,
            image.config,
            text_of(unpacking.tree, files, "etc/passwd"),
            text_of(unpacking.tree, files, "etc/group"),
        )
        return _keep(cache, draft, root, entries(nodes, files), own=True)


def keep_folder(cache: Path, root: Root, told: Sequence[object]) -> Root:
    """Store what must be known about a folder that stays where it is."""
    with _draft(cache) as draft:
        return _keep(cache, draft, root, told, own=False)


def text_of(files: Tree, folder: Path, name: str) -> str:
    """The text of a small file of an image, as its programs would open it; "" if none."""
    with contextlib.suppress(tree.Outside, OSError):
        path = files.resolve(tree.parts(name))
        node = files.find(path)
        if node is not None and node.kind == FILE:
            with open(folder.joinpath(*path), "rb") as file:
                return file.read(LARGEST_TEXT).decode(errors="replace")
    return ""


def entries(nodes: Sequence[tuple[tree.Path, Node]], folder: Path) -> list[object]:
    """What a guest is told about each file of a root that is in a folder, for `entries.json`.

    An entry is path, kind, user, group, mode (null where the disk has it), time of
    modification, attributes, and the number of a device.
    """
    found: list[object] = []
    for path, node in nodes:
        mode: int | None = node.mode
        if node.kind == LINK:
            mode = None
        elif node.kind in (FILE, FOLDER):
            there = os.lstat(folder.joinpath(*path)).st_mode & 0o7777
            mode = None if there == node.mode else node.mode
        attributes = {key: value.hex() for key, value in node.attributes.items()}
        device = list(node.device)
        own = [node.kind, node.uid, node.gid, mode, node.modified, attributes, device]
        found.append(["/".join(path), *own])
    return found


def known(cache: Path, name: str) -> str | None:
    """The digest that something had when it was last examined."""
    digest = cache_file.read(cache / FOLDER_NAME / NAMES).get(name)
    return digest if isinstance(digest, str) else None


def remember(cache: Path, name: str, digest: str) -> None:
    """Note the digest of something; do nothing if the cache cannot be written."""
    place = cache / FOLDER_NAME / NAMES
    cache_file.write(place, {**cache_file.read(place), name: digest})


def stamp(path: Path, name: str) -> str:
    """What changes when a file does, for `known`. Raises BadInput if the file is missing."""
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "give another path") from None
    numbers = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return f"{path.resolve()} {name} {' '.join(map(str, numbers))}"


def _place(cache: Path, digest: str) -> Path:
    return cache / FOLDER_NAME / digest.replace(":", "-")


def _keep(cache: Path, draft: Path, root: Root, told: Sequence[object], *, own: bool) -> Root:
    """Write what is known about a root, and move the draft to its place, unless it is taken."""
    about = {
        "digest": root.digest,
        "files": None if own else str(root.files),
        "config": dataclasses.asdict(root.config),
        "passwd": root.passwd,
        "group": root.group,
    }
    for name, content in ((ABOUT, about), (ENTRIES, told)):
        (draft / name).write_text(json.dumps(content), encoding="utf-8")
    place = _place(cache, root.digest)
    if find(cache, root.digest) is None:  # damaged, or of an older version that knew less of it
        shutil.rmtree(place, ignore_errors=True)
    with contextlib.suppress(OSError):  # another run may have kept it meanwhile
        draft.rename(place)
    found = find(cache, root.digest)
    if found is None:
        raise CannotRun(f"{place} is damaged", f"run: rm -r {place}")
    return found


def room(cache: Path) -> Path:
    """The folder of the roots, made if it is missing. Raises CannotRun if that fails."""
    folder = cache / FOLDER_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"cannot keep images in {folder}: {error.strerror}",
            "name a folder that can be written to in XDG_CACHE_HOME",
        ) from None
    return folder


@contextlib.contextmanager
def _draft(cache: Path) -> Iterator[Path]:
    """A folder to make a root in; it is removed unless it has been moved away.

    Drafts of killed runs are removed first: whoever makes one holds a lock on it.
    """
    folder = room(cache)
    with contextlib.ExitStack() as undo:
        try:
            _remove_dead(folder)
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
            undo.callback(shutil.rmtree, draft, ignore_errors=True)
            held = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            undo.callback(os.close, held)
            fcntl.flock(held, fcntl.LOCK_EX)
        except OSError as error:
            raise CannotRun(
                f"cannot keep images in {folder}: {error.strerror}",
                "name a folder that can be written to in XDG_CACHE_HOME",
            ) from None
        yield draft


def _remove_dead(folder: Path) -> None:
    for draft in folder.glob(".draft-*"):
        with contextlib.suppress(OSError):
            held = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(draft, ignore_errors=True)
            finally:
                os.close(held)
