"""A user's own folder as a root: it is used where it is, and its digest is computed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from echolab.errors import BadInput
from echolab.roots import store, tree
from echolab.roots.config import ImageConfig
from echolab.roots.store import Root
from echolab.roots.tree import FILE, FOLDER, LINK, Node, Tree

CHUNK = 1 << 20

KINDS = {
    stat.S_IFDIR: FOLDER,
    stat.S_IFREG: FILE,
    stat.S_IFLNK: LINK,
    stat.S_IFIFO: tree.PIPE,
    stat.S_IFCHR: tree.CHARACTERS,
    stat.S_IFBLK: tree.BLOCKS,
}


def keep(cache: Path, folder: Path) -> Root:
    """The root that a folder is.

    The files that an ordinary user unpacked all belong to that user; on a host they are root's.
    Raises BadInput for a folder with a file that cannot be read.
    """
    folder = folder.resolve()
    files = Tree()
    digest = hashlib.sha256(b"echolab folder 1\n")
    try:
        for path, node in _walk(folder):
            if path:
                files.add(path, node)
            else:
                files.root = node
            line = [path, node.kind, node.uid, node.gid, node.mode, node.modified, node.target]
            digest.update(repr(line).encode("utf-8", "surrogateescape"))
            if node.kind == FILE:
                digest.update(_digest(folder.joinpath(*path)))
    except tree.Outside as error:
        raise BadInput(f"{folder} cannot be a root: {error}", "give another folder") from None
    except OSError as error:
        raise BadInput(
            f"{error.filename or folder} cannot be read: {error.strerror}",
            "a root's files must be readable by the user who runs the lab",
        ) from None
    found = f"sha256:{digest.hexdigest()}"
    there = store.find(cache, found)
    if there is not None and there.files == folder:
        return there
    return store.keep_folder(
        cache,
        Root(
            found,
            folder,
            Path(),
            ImageConfig(),
            store.text_of(files, folder, "etc/passwd"),
            store.text_of(files, folder, "etc/group"),
        ),
        store.entries(list(files.walk()), folder),
    )


def _walk(folder: Path) -> Iterator[tuple[tree.Path, Node]]:
    """Every file below a folder, folders first, in the order of their names."""
    waiting: list[tree.Path] = [()]
    while waiting:
        path = waiting.pop()
        place = folder.joinpath(*path)
        status = place.lstat()
        kind = KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:  # a socket, which an archive cannot have either
            continue
        yield path, _node(kind, status, os.readlink(place) if kind == LINK else "")
        if kind == FOLDER:
            waiting += [(*path, name) for name in sorted(os.listdir(place), reverse=True)]


def _node(kind: str, status: os.stat_result, target: str) -> Node:
    owner, group = os.geteuid(), os.getegid()
    return Node(
        kind,
        0 if status.st_uid == owner else status.st_uid,
        0 if status.st_gid == group else status.st_gid,
        0o777 if kind == LINK else status.st_mode & 0o7777,
        status.st_mtime,
        target=target,
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)),
    )


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
    return digest.digest()
