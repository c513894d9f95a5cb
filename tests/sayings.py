"""What the lecture's scenarios say when they run, as the templates that a catalogue translates."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from echolab import resources

PLACE = "\0"
"""Stands for a figure until the figures of the whole sentence are numbered."""

BEFORE = {"expect_all": f"all {PLACE} ", "expect_none": "no "}
"""What comes before the text of a claim (echolab.scenario.claims)."""

TOLD = ("theory", "why", "unless", "only", "seen")
"""The other words that a claim and a conclusion tell, where they are words."""


def templates() -> list[str]:
    """Each text of a claim or a conclusion; {0}, {1} … stand where a figure does."""
    found = (one for path in resources.SCENARIOS.glob("*.py") for one in Script(path).said())
    return sorted(set(found))


class Script:
    """One script: its calls, and what stands behind the names that they are given."""

    def __init__(self, path: Path) -> None:
        self._nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        self._assigned: dict[str, list[ast.expr]] = {}
        self._under_way: set[int] = set()
        for node in self._nodes:
            if isinstance(node, ast.Assign):
                self._assign(node.targets[0], node.value)
            elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
                for value in node.iter.elts:
                    self._assign(node.target, value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._assigned.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, of_it in zip(target.elts, value.elts, strict=False):
                self._assign(one, of_it)

    def said(self) -> Iterator[str]:
        for node in self._nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield from self._of_call(node.func.attr, node)

    def _of_call(self, name: str, call: ast.Call) -> Iterator[str]:
        if not name.startswith("expect") and name not in ("conclude", "step"):
            return
        yield from self._templates(call.args[name == "conclude"], BEFORE.get(name, ""))
        for keyword in call.keywords:
            if keyword.arg in TOLD:
                yield from self._templates(keyword.value)

    def _templates(self, node: ast.AST, before: str = "") -> Iterator[str]:
        """The templates among the values that an expression may have."""
        for words in self._values(node):
            if re.search("[a-z]", words):
                yield numbered(before + words)
        for inner in ast.walk(node):
            if isinstance(inner, ast.FormattedValue):
                yield from self._templates(inner.value)

    def _values(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(words)):
                yield words
            case ast.JoinedStr(values=parts):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else PLACE for part in parts
                )
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                for one in self._values(left):
                    yield from (one + other for other in self._values(right))
            case _ if id(node) not in self._under_way:  # a name may stand for itself and more
                self._under_way.add(id(node))
                for choice in self._alternatives(node):
                    yield from self._values(choice)
                self._under_way.discard(id(node))

    def _alternatives(self, node: ast.AST) -> list[ast.expr]:
        match node:
            case ast.Name(id=name):
                return self._assigned.get(name, [])
            case ast.BoolOp(op=ast.And(), values=[*_, last]):
                return [last]
            case ast.BoolOp(values=values):
                return values
            case ast.IfExp(body=one, orelse=other):
                return [one, other]
            case _:
                return []


def numbered(words: str) -> str:
    """The template with its places numbered from 0."""
    first, *others = words.replace("{", "{{").replace("}", "}}").split(PLACE)
    return first + "".join(f"{{{number}}}{other}" for number, other in enumerate(others))
