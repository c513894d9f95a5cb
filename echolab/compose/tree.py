"""A Compose file as a tree of values, each of which knows where it stands.

A tree never changes: a transformation makes a new one, so the parts that YAML anchors share
stay right wherever they are used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from echolab.errors import BadInput


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A line of a file: `line` counts from 1. As text it is `compose.yaml:12`."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Map(dict[str, Any]):
    """A mapping of the file: `places` has the place of each key.

    `removed` are the keys that the tag `!reset` removes from what this is merged into; `replaced`
    are those whose values replace the others by `!override`.
    """

    __slots__ = ("place", "places", "removed", "replaced")

    def __init__(
        self,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        place: Place = Place("", 0),
        places: Mapping[str, Place] | None = None,
        removed: Iterable[str] = (),
        replaced: Iterable[str] = (),
    ) -> None:
        super().__init__(values)
        self.place = place
        self.places: Mapping[str, Place] = places or {}
        self.removed = frozenset(removed)
        self.replaced = frozenset(replaced)

    def like(self, values: Mapping[str, Any]) -> Map:
        """Other values at the same places."""
        return Map(values, self.place, self.places, self.removed, self.replaced)

    def where(self, key: str) -> Place:
        """Where a key stands: the mapping's own place for a key that it does not have."""
        return self.places.get(key, self.place)


class Items(list[Any]):
    """A sequence of the file: `places` has the place of each item."""

    __slots__ = ("place", "places")

    def __init__(
        self,
        values: Iterable[Any] = (),
        place: Place = Place("", 0),
        places: Iterable[Place] = (),
    ) -> None:
        super().__init__(values)
        self.place = place
        self.places = tuple(places)

    def like(self, values: Iterable[Any]) -> Items:
        """Other values, as many, at the same places."""
        return Items(values, self.place, self.places)

    def where(self, index: int) -> Place:
        """Where an item stands: the sequence's own place for an item that it does not have."""
        return self.places[index] if index < len(self.places) else self.place


@dataclasses.dataclass(frozen=True, slots=True)
class At:
    """A point of the tree, for messages: its place, and the keys that lead there."""

    place: Place
    path: tuple[str, ...] = ()

    def key(self, parent: Any, key: str | int) -> At:
        """The point below this one, at `parent`, by a key or an index."""
        if isinstance(parent, Map):
            return At(parent.where(str(key)), (*self.path, str(key)))
        if isinstance(parent, Items) and isinstance(key, int):
            return At(parent.where(key), (*self.path, str(key)))
        return At(self.place, (*self.path, str(key)))

    def bad(self, what: str, remedy: str = "fix the file") -> BadInput:
        """The error that says in one line what is wrong here, and what to do."""
        point = ".".join(self.path)
        said = f"{self.place}: {point}: {what}" if point else f"{self.place}: {what}"
        return BadInput(one_line(said), one_line(remedy))


def one_line(text: str) -> str:
    """The text with each run of white space, line ends included, replaced by one blank."""
    return " ".join(text.split())


def short(value: Any, limit: int = 60) -> str:
    """A value as the file could write it, cut if it is long: for messages."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif value is None:
        text = "null"
    elif isinstance(value, str):
        text = f"'{value[: limit + 1]}'"
    elif isinstance(value, Mapping):
        text = "a mapping"
    elif isinstance(value, list):
        text = "a list"
    else:
        text = str(value)
    text = one_line(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def map_texts(node: Any, at: At, change: Callable[[str, At], Any]) -> Any:
    """The tree with `change` applied to each text in it; keys stay as they are."""
    if isinstance(node, str):
        return change(node, at)
    if isinstance(node, Map):
        return node.like(
            {key: map_texts(value, at.key(node, key), change) for key, value in node.items()}
        )
    if isinstance(node, Items):
        return node.like(
            [map_texts(value, at.key(node, index), change) for index, value in enumerate(node)]
        )
    return node


def plain(node: Any) -> Any:
    """The tree as plain mappings, lists and scalars."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    return node
