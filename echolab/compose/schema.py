"""Whether a Compose file has the form that the specification's own JSON schema demands.

By hand: existing validators take longer to import than a lab takes to come up, and answer a
wrong port with the text of the whole schema. The schema uses few keywords, and this module knows
them all; a test compares it with a validator.

`compose-spec.json` is the Compose Specification's (Apache-2.0, see `compose-spec.LICENSE`),
unchanged.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from echolab.compose.tree import At, short
from echolab.errors import BadInput

FILE = Path(__file__).with_name("compose-spec.json")

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
SAID = {
    "object": "a mapping",
    "array": "a list",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}
REMEDIES = {
    "string": "put it in quotation marks",
    "object": "write 'NAME: VALUE' below it",
    "array": "write '- VALUE' lines below it",
}


@functools.cache
def load() -> dict[str, Any]:
    """The specification's schema."""
    schema: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return schema


def check(document: Any, at: At) -> None:
    """Raise BadInput for the first thing in a Compose file that the schema does not allow."""
    _Check(load()).check(document, load(), at)


class _Check:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.definitions: Mapping[str, Any] = root.get("$defs", {})

    def check(self, value: Any, schema: Mapping[str, Any], at: At) -> None:
        error = self.error(value, schema, at)
        if error is not None:
            raise error

    def error(self, value: Any, schema: Mapping[str, Any], at: At) -> BadInput | None:
        """What the schema objects to in a value; None for nothing."""
        schema = self.resolved(schema)
        for found in self._errors(value, schema, at):
            return found
        return None

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        return schema

    def _errors(self, value: Any, schema: Mapping[str, Any], at: At) -> Iterator[BadInput]:
        kinds = schema.get("type")
        if kinds is not None:
            names = [kinds] if isinstance(kinds, str) else kinds
            if not any(_is(value, name) for name in names):
                yield _wrong_kind(value, names, at)
                return
        for one in schema.get("allOf", ()):
            yield from self._one(value, one, at)
        alternatives = schema.get("oneOf") or schema.get("anyOf")
        if alternatives is not None:
            found = self._alternatives(value, alternatives, at)
            if found is not None:
                yield found
        if isinstance(value, dict):
            yield from self._mapping(value, schema, at)
        elif isinstance(value, list):
            yield from self._list(value, schema, at)
        else:
            yield from _scalar(value, schema, at)

    def _one(self, value: Any, schema: Mapping[str, Any], at: At) -> Iterator[BadInput]:
        found = self.error(value, schema, at)
        if found is not None:
            yield found

    def _alternatives(self, value: Any, schemas: list[Any], at: At) -> BadInput | None:
        """None if one of the schemas fits; otherwise what the nearest one objects to."""
        nearest: BadInput | None = None
        kinds: list[str] = []
        for schema in map(self.resolved, schemas):
            found = self.error(value, schema, at)
            if found is None:
                return None
            kind = schema.get("type")
            names = [kind] if isinstance(kind, str) else (kind or [])
            if not names or any(_is(value, name) for name in names):
                nearest = nearest or found
            kinds += self._kinds(schema)
        return nearest or _wrong_kind(value, kinds, at)

    def _kinds(self, schema: Mapping[str, Any]) -> list[str]:
        kind = schema.get("type")
        if kind is None:
            return [
                name for one in schema.get("oneOf", ()) for name in self._kinds(self.resolved(one))
            ]
        return [kind] if isinstance(kind, str) else list(kind)

    def _mapping(
        self, value: dict[str, Any], schema: Mapping[str, Any], at: At
    ) -> Iterator[BadInput]:
        for name in schema.get("required", ()):
            if name not in value:
                yield at.bad(f"it has no '{name}'", f"write '{name}: …' below it")
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        if schema.get("unevaluatedProperties") is False:
            known, others = self.properties(schema), False
        for key, inner in value.items():
            here = at.key(value, key)
            matched = self._matching(key, schema)
            for one in matched:
                yield from self._one(inner, one, here)
            if matched or key.startswith("x-"):
                continue
            if others is False and (
                schema.get("additionalProperties") is False or key not in known
            ):
                yield _unknown(key, known, here)
            elif isinstance(others, Mapping):
                yield from self._one(inner, others, here)

    def _matching(self, key: str, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The schemas that this one has for the value of a key."""
        properties = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        found = [properties[key]] if key in properties else []
        return found + [one for pattern, one in patterns.items() if re.search(pattern, key)]

    def properties(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The keys that a mapping may have, including those that `allOf` adds."""
        schema = self.resolved(schema)
        found = dict(schema.get("properties", {}))
        for one in schema.get("allOf", ()):
            found |= self.properties(one)
        return found

    def _list(self, value: list[Any], schema: Mapping[str, Any], at: At) -> Iterator[BadInput]:
        seen: set[str] = set()
        for index, item in enumerate(value):
            here = at.key(value, index)
            if "items" in schema:
                yield from self._one(item, schema["items"], here)
            if schema.get("uniqueItems"):
                text = json.dumps(item, sort_keys=True)
                if text in seen:
                    yield here.bad(f"{short(item)} is there twice", "leave one out")
                seen.add(text)


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[name])


def _wrong_kind(value: Any, names: list[str], at: At) -> BadInput:
    kinds = list(dict.fromkeys(names))
    wanted = " or ".join(
        SAID[kind] for kind in kinds if kind != "string" and (kind != "null" or len(kinds) == 1)
    )
    scalar = not isinstance(value, (dict, list))
    kind = next((one for one in ("string", "array", "object") if one in kinds), "")
    remedy = "write it so"
    if kind and not (kind == "string" and not scalar):
        remedy = REMEDIES[kind]
    if "string" in kinds and wanted:
        return at.bad(f"{short(value)} is not {wanted} or text", remedy)
    if "string" in kinds:
        return at.bad(f"{short(value)} is not text", remedy)
    return at.bad(f"{short(value)} is not {wanted or 'allowed'}", remedy)


def _scalar(value: Any, schema: Mapping[str, Any], at: At) -> Iterator[BadInput]:
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(map(str, schema["enum"]))
        yield at.bad(f"{short(value)} is not allowed", f"write one of {allowed}")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield at.bad(
                f"{short(value)} has characters that are not allowed here", "choose another"
            )
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _range(value, schema, at)


def _range(value: float, schema: Mapping[str, Any], at: At) -> Iterator[BadInput]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and value < least:
        yield at.bad(f"{value} is less than {least}", "give a larger number")
    if most is not None and value > most:
        yield at.bad(f"{value} is more than {most}", "give a smaller number")


def _unknown(key: str, known: Mapping[str, Any], at: At) -> BadInput:
    import difflib  # only needed if something is wrong

    close = difflib.get_close_matches(key, list(known), n=1)
    remedy = f"did you mean '{close[0]}'?" if close else "leave it out, or name it 'x-…'"
    return at.bad("Compose has no such key", remedy)
