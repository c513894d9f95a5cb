"""The tree of an image's files as its layers make it: names alone, nothing on the machine.

Strategy: paths in archives are resolved here, in memory, with symbolic links that stay within the
tree, as they do for a program whose root it is. On the machine's disk only paths without links and
without `..` are used, each in a folder that we have made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from echolab.errors import BadInput

FOLDER, FILE, LINK, PIPE, CHARACTERS, BLOCKS = "dflpcb"
"""Kinds of nodes."""

MOST_LINKS = 40
"""The most symbolic links on the way to one file (path_resolution(7))."""

MOST_NODES = 2_000_000

DEEPEST = 256
"""The most folders above a file."""


class Outside(Exception):
    """A path of an archive that does not lead into the tree; the text says why."""


@dataclasses.dataclass
class Node:
    """One file: two names of a hard link have the same node.

    `layer` is the number of the layer that it came from, `device` a device file's number.
    """

    kind: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o755
    modified: float = 0.0
    layer: int = 0
    target: str = ""
    device: tuple[int, int] = (0, 0)
    attributes: dict[str, bytes] = dataclasses.field(default_factory=dict)
    children: dict[str, Node] = dataclasses.field(default_factory=dict)


Path = tuple[str, ...]
"""The names on the way from the root, none of them a symbolic link, `.` or `..`."""


def parts(name: str) -> Path:
    """The names in a path of an archive. Raises Outside for one with `..`."""
    found = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in found:
        raise Outside(f"the path {name!r} has '..' in it")
    if "\0" in name:
        raise Outside(f"the path {name!r} has a NUL in it")
    return found


class Tree:
    """All files of an image."""

    def __init__(self) -> None:
        self.root = Node(FOLDER)
        self.count = 0

    def find(self, path: Path) -> Node | None:
        """The node at a path without links."""
        node: Node | None = self.root
        for name in path:
            node = node.children.get(name) if node is not None and node.kind == FOLDER else None
        return node

    def resolve(self, path: Path) -> Path:
        """The path with its symbolic links followed; a part that does not exist stays as named.

        Raises Outside if there are too many links, or a file where a folder must be.
        """
        left = list(reversed(path))
        here: list[str] = []
        links = 0
        while left:
            name = left.pop()
            if name == "..":
                del here[-1:]
                continue
            node = self.find((*here, name))
            if node is None or node.kind == FOLDER:
                here.append(name)
            elif node.kind == LINK:
                links += 1
                if links > MOST_LINKS:
                    raise Outside(f"too many symbolic links at {'/'.join(path)!r}")
                if node.target.startswith("/"):
                    here.clear()
                words = (word for word in node.target.split("/") if word not in ("", "."))
                left += reversed(list(words))
            elif left:
                raise Outside(f"{'/'.join((*here, name))!r} is not a folder")
            else:
                here.append(name)
        return tuple(here)

    def place(self, path: Path) -> Path:
        """Where a file of that name is: with links in its folder followed, but not its own."""
        return (*self.resolve(path[:-1]), path[-1]) if path else ()

    def add(self, path: Path, node: Node) -> None:
        """Put a node at a path whose folder exists, replacing what was there."""
        self.count += 1
        if self.count > MOST_NODES:
            raise Outside(f"it has more than {MOST_NODES} files")
        if len(path) > DEEPEST:
            raise Outside(f"{'/'.join(path)[:80]!r}… is more than {DEEPEST} folders deep")
        folder = self.find(path[:-1])
        assert folder is not None and folder.kind == FOLDER
        folder.children[path[-1]] = node

    def remove(self, path: Path) -> None:
        """Remove a node and everything below it."""
        folder = self.find(path[:-1])
        assert folder is not None
        del folder.children[path[-1]]

    def walk(self) -> Iterator[tuple[Path, Node]]:
        """Every node with its path, folders before what is in them, in order of their names."""
        waiting: list[tuple[Path, Node]] = [((), self.root)]
        while waiting:
            path, node = waiting.pop()
            yield path, node
            waiting += [
                ((*path, name), node.children[name]) for name in sorted(node.children, reverse=True)
            ]


def bad(where: str, why: str) -> BadInput:
    """The error for an archive that must not be unpacked."""
    return BadInput(f"{where} cannot be unpacked: {why}", "make the archive again, or another one")
