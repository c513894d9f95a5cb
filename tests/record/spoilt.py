"""Recorded runs, and copies of them in which one name is missing or mistyped."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from echolab.resources import ROOT

RECORDED = Path(__file__).with_name("recorded")

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(RECORDED.glob("*.json"))}
"""Runs of `recorded/everything.py`, as each format wrote them."""

DOCUMENTS = {name: json.loads(text) for name, text in TEXTS.items()}

Place = tuple[str | int, ...]


def places(value: object, here: Place = ()) -> Iterator[Place]:
    """The way to every name of a document, and to every entry of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*here, key)
            yield from places(inner, (*here, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*here, number)
            yield from places(inner, (*here, number))


def _without_repetition(document: object) -> list[Place]:
    """The places of a document, few of those that are alike: counters by the hundred."""
    found, alike = [], dict[Place, int]()
    for place in places(document):
        kind = tuple(step for step in place if isinstance(step, str))
        kind = kind[:3] if kind[0] == "counters" else kind
        alike[kind] = alike.get(kind, 0) + 1
        if alike[kind] <= 6:
            found.append(place)
    return found


PLACES = {name: _without_repetition(document) for name, document in DOCUMENTS.items()}


def changed(name: str, place: Place, *, delete: bool, value: object = None) -> Any:
    """A copy of a document in which one name is missing, or has another value."""
    document = copy.deepcopy(DOCUMENTS[name])
    document["script"] = str(RECORDED / "everything.py")
    document["compose"] = str(ROOT / "compose.yaml")
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    if delete:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return document


@dataclasses.dataclass(frozen=True)
class Spoilt:
    """One way to spoil a recorded run."""

    name: str
    place: Place
    delete: bool
    value: object

    def document(self) -> Any:
        """The run's document, spoilt."""
        return changed(self.name, self.place, delete=self.delete, value=self.value)


@st.composite
def spoilt(draw: st.DrawFn) -> Spoilt:
    """Any way to spoil any recorded run."""
    name = draw(st.sampled_from(sorted(TEXTS)))
    place = draw(st.sampled_from(PLACES[name]))
    values = [None, True, 7, -1, 0.5, 1e300, 10**400, "text", [], [1], {}, {"a": 1}]
    return Spoilt(name, place, draw(st.booleans()), draw(st.sampled_from(values)))


def shown(place: Place) -> str:
    """A place as an error names it."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in place]
    return "".join(parts).removeprefix(".")
