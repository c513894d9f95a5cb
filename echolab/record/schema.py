"""Frozen dataclasses as JSON: read with every field checked, and written.

Strategy: the dataclasses are the schema. For each one, a reader is made once from the annotations
of its fields. It takes the result of `json.loads` and either returns the value or raises
`Mismatch`, to which every list and object on the way out adds its place. So anything missing or
mistyped can be named in one line. Names that are not fields are ignored.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from echolab.errors import BadInput

Reader = Callable[[object], Any]
Writer = Callable[[Any], object]


class Mismatch(Exception):
    """A JSON value that is not valid; `place` leads to it, innermost first."""

    def __init__(self, problem: str, *place: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = list(place)

    def line(self, document: str) -> str:
        """The complaint as a line: "record.json: probes[0].count must be a whole number …"."""
        parts = reversed(self.place)
        place = "".join(part if part.startswith("[") else f".{part}" for part in parts)
        return (
            f"{document}: {place.removeprefix('.')} {self.problem}"
            if place
            else (f"{document} {self.problem}")
        )


MISSING = "is missing"


def wrong(expected: str, value: object) -> Mismatch:
    """The mismatch of a value that must be something else."""
    if isinstance(value, (dict, list)):
        found = "an object" if isinstance(value, dict) else "a list"
    else:
        found = json.dumps(value, ensure_ascii=False)[:60]
    return Mismatch(f"must be {expected}, not {found}")


def mapping(value: object) -> dict[str, object]:
    """A JSON object. Raises Mismatch for anything else."""
    if type(value) is not dict:
        raise wrong("an object", value)
    return value


def items(value: object) -> list[object]:
    """A JSON array. Raises Mismatch for anything else."""
    if type(value) is not list:
        raise wrong("a list", value)
    return value


LARGEST = 1e30
"""No figure of a run is larger, and sums and products of a few such figures are still finite."""

LARGEST_WHOLE = 2**64


def _number(value: object) -> float:
    if type(value) not in (int, float) or not -LARGEST <= cast(float, value) <= LARGEST:
        raise wrong("a number", value)
    return cast(float, value)


def _whole(value: object) -> int:
    if type(value) is not int or not -LARGEST_WHOLE < value < LARGEST_WHOLE:
        raise wrong("a whole number", value)
    return value


def _anything(value: object) -> object:
    return value


def _scalar(kind: type, expected: str) -> Reader:
    def read(value: object) -> object:
        if type(value) is not kind:
            raise wrong(expected, value)
        return value

    return read


WORDS: Mapping[object, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "null",
}

SCALARS: Mapping[object, Reader] = {
    str: _scalar(str, WORDS[str]),
    bool: _scalar(bool, WORDS[bool]),
    int: _whole,
    float: _number,
    type(None): _scalar(type(None), WORDS[type(None)]),
    object: _anything,
}


def _choice(choices: Sequence[str]) -> Reader:
    expected = " or ".join(choices)

    def read(value: object) -> object:
        if type(value) is not str or value not in choices:
            raise wrong(expected, value)
        return value

    return read


def _one_of(kinds: Sequence[object]) -> Reader:
    """A reader for any of several scalars."""
    expected = " or ".join(dict.fromkeys(WORDS[kind] for kind in kinds))

    def read(value: object) -> object:
        if type(value) not in kinds:
            raise wrong(expected, value)
        return value

    return read


def _or_null(inner: Reader) -> Reader:
    return lambda value: None if value is None else inner(value)


def _tuple(inner: Reader) -> Reader:
    def read(value: object) -> object:
        found: list[object] = []
        try:
            for entry in items(value):
                found.append(inner(entry))
        except Mismatch as mismatch:
            if type(value) is list:
                mismatch.place.append(f"[{len(found)}]")
            raise
        return tuple(found)

    return read


def _mapping(inner: Reader) -> Reader:
    def read(value: object) -> object:
        found: dict[str, object] = {}
        for key, entry in mapping(value).items():
            try:
                found[key] = inner(entry)
            except Mismatch as mismatch:
                mismatch.place.append(key)
                raise
        return found

    return read


class Schema:
    """Reads and writes dataclasses; those of `readers` and `writers` in their own way.

    `names` are names in JSON that differ from the attribute's, by class and attribute.
    """

    def __init__(
        self,
        readers: Mapping[object, Reader],
        writers: Mapping[type, Writer],
        names: Mapping[tuple[type, str], str],
    ) -> None:
        self._writers = writers
        self._names = names
        self._readers: dict[object, Reader] = {**SCALARS, **readers}

    def reader(self, hint: object) -> Reader:
        """The reader for a type: a scalar, a dataclass, or what is built from these."""
        if hint not in self._readers:
            self._readers[hint] = self._make(hint)
        return self._readers[hint]

    def _make(self, hint: object) -> Reader:
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self.object_reader(hint)
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is tuple:
            return _tuple(self.reader(arguments[0]))
        if origin is collections.abc.Mapping:
            return _mapping(self.reader(arguments[1]))
        if origin is Literal:
            return _choice(arguments)
        if origin in (Union, types.UnionType):
            kinds = [kind for kind in arguments if kind is not type(None)]
            return _or_null(self.reader(kinds[0])) if len(kinds) == 1 else _one_of(arguments)
        raise TypeError(f"no JSON for {hint}")

    def object_reader(self, kind: type, optional: frozenset[str] = frozenset()) -> Reader:
        """The reader for a dataclass in which only the `optional` fields may be missing."""
        fields: list[tuple[str, str, Reader]] = []

        def read(value: object) -> object:
            document = mapping(value)
            if not fields:  # made by the first call: most processes only write
                fields.extend(self._fields_to_read(kind))
            found: dict[str, object] = {}
            for name, attribute, inner in fields:
                if name in document:
                    try:
                        found[attribute] = inner(document[name])
                    except Mismatch as mismatch:
                        mismatch.place.append(name)
                        raise
                elif attribute not in optional:
                    raise Mismatch(MISSING, name)
            try:
                return kind(**found)
            except BadInput as error:
                raise Mismatch(f"is not valid: {error.message}") from None

        return read

    def _fields_to_read(self, kind: type) -> Iterator[tuple[str, str, Reader]]:
        """Each field's name in JSON, its own, and its reader."""
        hints = get_type_hints(kind)
        for name in fields_of(kind):
            yield self._names.get((kind, name), name), name, self.reader(hints[name])

    def plain(self, value: object) -> object:
        """A value, or values in lists and mappings, in the form that `json.dumps` takes."""
        kind = type(value)
        if kind in SCALARS:
            return value
        if kind in self._writers:
            return self._writers[kind](value)
        if isinstance(value, (list, tuple)):
            return [self.plain(entry) for entry in value]
        if isinstance(value, collections.abc.Mapping):
            return {key: self.plain(entry) for key, entry in value.items()}
        return self.fields(value)

    def fields(self, value: object, leave_out: Sequence[str] = ()) -> dict[str, object]:
        """The fields of a dataclass by their names in JSON."""
        kind = type(value)
        return {
            self._names.get((kind, name), name): self.plain(getattr(value, name))
            for name in fields_of(kind)
            if name not in leave_out
        }


@functools.cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def fields_of(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's fields, in their order."""
    return _field_names(cast(Any, kind))
