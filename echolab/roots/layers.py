"""Unpack the layers of an image, one over another, into a folder of this machine.

Strategy: a file's owner, its mode and whatever else only root may set stay in the tree in memory
and in a list beside the folder (`store.entries`). On the disk all files are this user's, none has a
set-user-ID bit, none is a device. So any user can unpack any image, and a hostile one does no harm.

Source: OCI Image Specification, layer.md, including the whiteouts that aufs invented.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tarfile
from collections.abc import Iterator
from typing import IO, cast

from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.roots import streams, tree
from echolab.roots.entries import EndedEntry, Entry
from echolab.roots.tree import FILE, FOLDER, LINK, Node, Outside, Tree

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"

LARGEST = 32 << 30
"""The most bytes of one unpacked layer."""

LARGEST_ATTRIBUTE = 1 << 16

KINDS = {
    tarfile.DIRTYPE: FOLDER,
    tarfile.REGTYPE: FILE,
    tarfile.AREGTYPE: FILE,
    tarfile.CONTTYPE: FILE,
    tarfile.GNUTYPE_SPARSE: FILE,
    tarfile.SYMTYPE: LINK,
    tarfile.FIFOTYPE: tree.PIPE,
    tarfile.CHRTYPE: tree.CHARACTERS,
    tarfile.BLKTYPE: tree.BLOCKS,
}

KEPT_ATTRIBUTES = ("security.capability", "user.")
"""Extended attributes that a file may have: those of programs, but not an overlay's."""

ATTRIBUTE = "SCHILY.xattr."
"""How archives write them (star's, and so Docker's)."""


class Unpacking:
    """Unpacks layers into an empty folder, and keeps the tree that they make."""

    def __init__(self, folder: str) -> None:
        self.tree = Tree()
        self._folder = folder
        self._layer = 0

    def add(self, layer: IO[bytes], where: str, digest: str | None = None) -> str:
        """Unpack one layer over those before it; return the digest of its unpacked bytes.

        Raises BadInput for a layer that is damaged, has another `digest` or leads outside,
        CannotRun for a full disk.
        """
        self._layer += 1
        try:
            with streams.unpacked(layer, where) as content:
                counted = streams.Counted(content, LARGEST, where)
                with tarfile.open(
                    fileobj=cast(IO[bytes], counted),
                    mode="r|",
                    tarinfo=EndedEntry if digest is None else Entry,
                    encoding="utf-8",
                    errors="surrogateescape",
                ) as archive:
                    while (entry := archive.next()) is not None:
                        self._entry(archive, entry)
                        archive.members.clear()  # type: ignore[attr-defined]  # it keeps them all
                found = counted.finish()
        except Outside as error:
            raise tree.bad(where, str(error)) from None
        except streams.DAMAGED as error:
            raise BadInput(
                f"{where} is damaged: {error or 'it ends too soon'}", "make the archive again"
            ) from None
        except EcholabError:
            raise
        except (OSError, ValueError) as error:
            raise _on_disk(where, error) from None
        if digest is not None and found != digest:
            raise BadInput(
                f"{where} is damaged: its digest is {found}, not {digest}", "make the archive again"
            )
        return found

    def finish(self) -> list[tuple[tree.Path, Node]]:
        """Give files and folders their final modes and times; return all nodes with their paths."""
        nodes = list(self.tree.walk())
        for path, node in reversed(nodes):  # the content of a folder before the folder itself
            if node.kind in (FILE, FOLDER):
                own = 0o700 if node.kind == FOLDER else 0o600
                os.chmod(self._at(path), node.mode & 0o777 | own)
            if node.kind in (FILE, FOLDER, LINK):
                times = (node.modified, node.modified)
                os.utime(self._at(path), times, follow_symlinks=False)
        return nodes

    def _at(self, path: tree.Path) -> str:
        return "/".join((self._folder, *path))

    # --- one entry

    def _entry(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = tree.parts(entry.name)
        if path and path[-1].startswith(WHITEOUT):
            self._white_out(path)
        elif entry.type == tarfile.LNKTYPE:
            self._link(path, tree.parts(entry.linkname))
        elif entry.type not in KINDS:
            raise Outside(f"{entry.name!r} is of a kind that nobody knows ({entry.type!r})")
        elif path:
            self._file(archive, entry, path)
        elif entry.type == tarfile.DIRTYPE:
            node = self._node(entry)
            node.children = self.tree.root.children
            self.tree.root = node
        else:
            raise Outside("its root is not a folder")

    def _file(self, archive: tarfile.TarFile, entry: tarfile.TarInfo, path: tree.Path) -> None:
        node = self._node(entry)
        self._make_folders(path[:-1])
        place = self.tree.place(path)
        there = self.tree.find(place)
        if there is not None and there.kind == node.kind == FOLDER:
            node.children = there.children
            self.tree.add(place, node)
            return
        if there is not None:
            self._remove(place)
        if node.kind == FILE:
            self._write(archive, entry, place)
        elif node.kind == LINK:
            os.symlink(node.target, self._at(place))
        elif node.kind == FOLDER:
            os.mkdir(self._at(place), 0o700)
        self.tree.add(place, node)

    def _node(self, entry: tarfile.TarInfo) -> Node:
        kind = KINDS[entry.type]
        device = (entry.devmajor, entry.devminor)
        if kind == tree.CHARACTERS and device == (0, 0):
            raise Outside(f"{entry.name!r} is a device that would hide another file")
        if kind == LINK and ("\0" in entry.linkname or not entry.linkname):
            raise Outside(f"{entry.name!r} is a symbolic link to nothing")
        return Node(
            kind,
            _id(entry.uid),
            _id(entry.gid),
            0o777 if kind == LINK else entry.mode & 0o7777,
            max(float(entry.mtime), 0.0),
            self._layer,
            entry.linkname if kind == LINK else "",
            device,
            dict(_attributes(entry)),
        )

    def _make_folders(self, path: tree.Path) -> None:
        """Make the folders on the path that the archive does not name."""
        for depth in range(1, len(path) + 1):
            place = self.tree.resolve(path[:depth])
            for known in range(1, len(place) + 1):
                node = self.tree.find(place[:known])
                if node is None:
                    os.mkdir(self._at(place[:known]), 0o700)
                    self.tree.add(place[:known], Node(FOLDER, layer=self._layer))
                elif node.kind != FOLDER:
                    raise Outside(f"{'/'.join(place[:known])!r} is not a folder")

    def _write(self, archive: tarfile.TarFile, entry: tarfile.TarInfo, place: tree.Path) -> None:
        if entry.size > LARGEST:
            raise Outside(f"{entry.name!r} has {entry.size} bytes")
        source = archive.extractfile(entry)
        assert source is not None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self._at(place), flags, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, streams.CHUNK)

    def _link(self, path: tree.Path, target: tree.Path) -> None:
        """Give an existing file another name."""
        if not path or not target:
            raise Outside("a hard link to a folder")
        source = self.tree.place(target)
        node = self.tree.find(source)
        if node is None or node.kind == FOLDER:
            what = "a folder" if node else "a file that is not there"
            raise Outside(f"{'/'.join(path)!r} is a hard link to {what}: {'/'.join(target)!r}")
        self._make_folders(path[:-1])
        place = self.tree.place(path)
        if place == source:
            return
        if self.tree.find(place) is not None:
            self._remove(place)
        if node.kind in (FILE, LINK):
            os.link(self._at(source), self._at(place), follow_symlinks=False)
        self.tree.add(place, dataclasses.replace(node, layer=self._layer))

    # --- what a layer takes away

    def _white_out(self, path: tree.Path) -> None:
        """Remove what lower layers have under that name, or all that they have in a folder."""
        hidden = path[-1].removeprefix(WHITEOUT)
        if hidden in ("", ".", ".."):
            raise Outside(f"the whiteout {'/'.join(path)!r} names no file")
        folder = self.tree.resolve(path[:-1])
        there = self.tree.find(folder)
        if there is None or there.kind != FOLDER:
            return
        if path[-1] == OPAQUE:
            for child in list(there.children):
                self._prune((*folder, child))
        elif hidden in there.children and not hidden.startswith(WHITEOUT):  # aufs' own files
            self._prune((*folder, hidden))

    def _prune(self, path: tree.Path) -> None:
        """Remove what is not from the layer being unpacked; folders that hold such files stay."""
        node = self.tree.find(path)
        assert node is not None
        if not self._has_new(node):
            self._remove(path)
            return
        for child in list(node.children):
            self._prune((*path, child))

    def _has_new(self, node: Node) -> bool:
        waiting = [node]
        while waiting:
            one = waiting.pop()
            if one.layer == self._layer:
                return True
            waiting += one.children.values()
        return False

    def _remove(self, path: tree.Path) -> None:
        node = self.tree.find(path)
        assert node is not None
        if node.kind == FOLDER:
            shutil.rmtree(self._at(path))
        elif node.kind in (FILE, LINK):
            os.unlink(self._at(path))
        self.tree.remove(path)


def _id(number: int) -> int:
    """A user's or group's number, which must be valid (credentials(7))."""
    if not 0 <= number < 2**32 - 1:
        raise Outside(f"a file belongs to number {number}")
    return number


def _attributes(entry: tarfile.TarInfo) -> Iterator[tuple[str, bytes]]:
    for key, text in entry.pax_headers.items():
        name = key.removeprefix(ATTRIBUTE)
        if name != key and name.startswith(KEPT_ATTRIBUTES) and len(text) <= LARGEST_ATTRIBUTE:
            yield name, text.encode("utf-8", "surrogateescape")


def _on_disk(where: str, error: OSError | ValueError) -> EcholabError:
    """The error for a file that cannot be written, or whose name no file can have."""
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, OSError) and error.errno in (28, 122):  # ENOSPC, EDQUOT
        return CannotRun(f"{where} cannot be unpacked: {reason}", "free some room on the disk")
    return tree.bad(where, reason)
