"""The YAML of a Compose file, read into a tree: YAML 1.2 scalars, with the line of each key.

PyYAML reads YAML 1.1, where `yes` is a boolean, `12:30` a number and `2024-01-01` a date.
Its parser is used, but not its rules for scalars. Plain scalars are resolved here as the Compose
command's reader resolves them: by YAML 1.2, with two kinds of YAML 1.1 number kept: `0755` is
octal, and `1_000` is a number.

Source: YAML 1.2.2, 10.3; go-yaml v3's resolver, which Compose uses.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from echolab.compose.tree import At, Items, Map, Place
from echolab.errors import BadInput

LARGEST = 100_000
"""The most values in one file, counting repetitions by aliases: no lab needs more."""

DEEPEST = 100
"""How deep mappings and lists may be nested."""

PLAIN = "plain"
YAML_TAG = "tag:yaml.org,2002:"
RESET, OVERRIDE = "!reset", "!override"

NULLS = {"", "~", "null", "Null", "NULL"}
TRUTHS = {
    word: word.lower() == "true" for word in ["true", "True", "TRUE", "false", "False", "FALSE"]
}
SPECIAL = {
    sign + word: float(sign + word.lower().lstrip("."))
    for sign in ("", "+", "-")
    for word in (".inf", ".Inf", ".INF")
} | {word: float("nan") for word in (".nan", ".NaN", ".NAN")}
WHOLE = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


# With libyaml reading takes a tenth of the time, but PyYAML can be built without it.
_Base: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Loader(_Base):  # type: ignore[misc]
    """PyYAML's loader, which leaves plain scalars to `scalar`."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else YAML_TAG + "str"
        return YAML_TAG + ("seq" if kind is yaml.SequenceNode else "map")


def parse(raw: bytes, file: str) -> list[Map]:
    """The documents of a Compose file, each a mapping. `file` is for messages.

    Raises BadInput, with the line, for a file that is not YAML or not a mapping.
    """
    try:
        nodes = list(yaml.compose_all(_decoded(raw, file), _Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = ", ".join(word for word in (error.context, error.problem) if word)
        raise At(Place(file, line)).bad(f"not valid YAML: {what}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise At(Place(file, 1)).bad(f"not valid YAML: {error}") from None
    except RecursionError:
        raise At(Place(file, 1)).bad("nested too deeply", "write it flatter") from None
    return [document for node in nodes if (document := _document(node, file)) is not None]


def _decoded(raw: bytes, file: str) -> str:
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise At(Place(file, line)).bad("not UTF-8", "save it as UTF-8") from None


def _document(node: Any, file: str) -> Map | None:
    tree = _Builder(file).build(node)
    if tree is None:
        return None
    if not isinstance(tree, Map):
        raise At(Place(file, node.start_mark.line + 1)).bad(
            "not a Compose file: it is not a mapping", "write 'services:' and name the hosts there"
        )
    return tree


def scalar(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar: text, unless YAML 1.2 or go-yaml says otherwise."""
    if text in NULLS:
        return None
    if text in TRUTHS:
        return TRUTHS[text]
    if text in SPECIAL:
        return SPECIAL[text]
    if text[0] not in "+-.0123456789":
        return text
    digits = text.replace("_", "")
    if WHOLE.fullmatch(digits):
        return _whole(digits)
    if FLOAT.fullmatch(digits):
        return float(digits)
    return text


def _whole(digits: str) -> int | float:
    sign = -1 if digits.startswith("-") else 1
    body = digits.lstrip("+-").lower()
    if len(body) > 1 and body[0] == "0":
        base = {"x": 16, "b": 2}.get(body[1], 8)
        value = sign * int(body.lstrip("0xbo") or "0", base)
    elif len(body) > 20:
        return float(digits)
    else:
        value = sign * int(body)
    # Compose treats what does not fit into 64 bits as a floating-point number.
    return value if -(2**63) <= value < 2**64 else float(value)


class _Builder:
    """Builds a tree from PyYAML's nodes; an aliased node is built once but counted each time."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.made: dict[int, tuple[Any, int]] = {}
        self.open: set[int] = set()
        self.size = 0

    def build(self, node: Any) -> Any:
        if id(node) in self.made:
            tree, size = self.made[id(node)]
            self._count(size, node)
            return tree
        if id(node) in self.open:
            raise self._error(node, "an alias stands within what it repeats", "write that part out")
        if len(self.open) > DEEPEST:
            raise self._error(node, "nested too deeply", "write it flatter")
        self.open.add(id(node))
        before = self.size
        self._count(1, node)
        tree = self._built(node)
        self.open.remove(id(node))
        self.made[id(node)] = tree, self.size - before
        return tree

    def _count(self, more: int, node: Any) -> None:
        self.size += more
        if self.size > LARGEST:
            raise self._error(node, f"more than {LARGEST} values", "use fewer aliases")

    def _built(self, node: Any) -> Any:
        place = self._place(node)
        tag = node.tag
        if tag in (RESET, OVERRIDE):
            tag = self._untagged(node)
        if isinstance(node, yaml.MappingNode):
            if tag == YAML_TAG + "map":
                return self._map(node, place)
        elif isinstance(node, yaml.SequenceNode):
            if tag == YAML_TAG + "seq":
                for item in node.value:
                    if item.tag == RESET:
                        raise self._error(item, "!reset within a list", "tag the whole list")
                return Items(
                    [self.build(item) for item in node.value],
                    place,
                    [self._place(item) for item in node.value],
                )
        elif tag == PLAIN:
            return scalar(node.value)
        else:
            return self._tagged(node, tag)
        raise self._error(node, f"unknown tag '{_shown(node.tag)}'", "leave the tag out")

    def _untagged(self, node: Any) -> str:
        if isinstance(node, yaml.ScalarNode):
            return YAML_TAG + "str" if node.style in ("'", '"', "|", ">") else PLAIN
        return YAML_TAG + ("map" if isinstance(node, yaml.MappingNode) else "seq")

    def _tagged(self, node: Any, tag: str) -> Any:
        kind = tag.removeprefix(YAML_TAG)
        text: str = node.value
        if kind == "str":
            return text
        value = scalar(text)
        if kind == "null" and value is None:
            return None
        if kind == "bool" and isinstance(value, bool):
            return value
        if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
            return value
        if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if kind in ("null", "bool", "int", "float"):
            raise self._error(node, f"'{text[:40]}' is not {_shown(tag)}", "leave the tag out")
        if kind == "timestamp":
            return text
        raise self._error(node, f"unknown tag '{_shown(tag)}'", "leave the tag out")

    def _map(self, node: Any, place: Place) -> Map:
        values: dict[str, Any] = {}
        places: dict[str, Place] = {}
        removed: set[str] = set()
        replaced: set[str] = set()
        merged: list[Any] = []
        merges = False
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, "a key that is not text", "write 'NAME: VALUE'")
            key: str = key_node.value
            if key in places or (key == "<<" and merges):
                raise self._error(key_node, f"the key '{key[:60]}' is there twice", "leave one out")
            if key == "<<" and key_node.tag == PLAIN:
                merges = True
                merged = self._merged(value_node)
                continue
            places[key] = self._place(key_node)
            if value_node.tag == RESET:
                removed.add(key)
                continue
            if value_node.tag == OVERRIDE:
                replaced.add(key)
            values[key] = self.build(value_node)
        for other in merged:
            for key, value in other.items():
                if key not in places:
                    values[key] = value
                    places[key] = other.where(key)
        return Map(values, place, places, removed, replaced)

    def _merged(self, node: Any) -> list[Map]:
        """The mappings that a merge key brings in; the one that wins comes first."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(one, yaml.MappingNode) for one in nodes):
            raise self._error(
                node, "'<<' merges something other than mappings", "write '<<: *NAME'"
            )
        return [self.build(one) for one in nodes]

    def _place(self, node: Any) -> Place:
        return Place(self.file, node.start_mark.line + 1)

    def _error(self, node: Any, what: str, remedy: str) -> BadInput:
        return At(self._place(node)).bad(what, remedy)


def _shown(tag: str) -> str:
    return tag.replace(YAML_TAG, "!!", 1)[:40]
