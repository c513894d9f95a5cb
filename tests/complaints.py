"""What errors and warnings say, as the templates that a catalogue translates."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from echolab import resources
from tests.sayings import Script

ERRORS = {"BadInput", "CannotRun", "Lack", "NotThere", "NotValid", "NoWorkers", "ScriptError"}
"""What an error is made with: its first words are its message, then its remedy."""

METHODS = {"Check", "Finding", "_error", "bad", "damaged"}
"""What makes one of a place in a file, a finding or a check: words are among what it takes."""

KEYWORDS = {"remedy", "what", "why"}
"""The words that others make an error of."""

ROWS = {"Row", "dict.fromkeys"}
"""What makes rows of those tables."""

TABLES = (
    "compose/declared.py",
    "compose/files_support.py",
    "compose/schema.py",
    "engines/docker/reasons.py",
    "engines/exact/diagnosis.py",
    "engines/services.py",
    "history/linearizability.py",
    "history/sessions.py",
    "history/words.py",
    "judge/conservation.py",
    "judge/verdicts.py",
    "maelstrom/checks.py",
)
"""Modules whose values are words of errors."""


def templates() -> list[str]:
    """Each message and each remedy of an error; {0}, {1} … stand where words of others do.

    A single word is a name, and stays.
    """
    package = resources.ROOT / "echolab"
    found = [one for path in sorted(package.rglob("*.py")) for one in Module(path).said()]
    found += [one for path in sorted(package.rglob("*.py")) for one in Module(path).warnings()]
    found += [one for name in TABLES for one in Module(package / name).values()]
    return sorted({one for one in found if " " in one.strip() and says_something(one)})


def says_something(template: str) -> bool:
    """Whether it has more words of its own than "on" or "by": such a one would fit anything."""
    return len(re.sub(r"{\d+}", "", template)) > 4


class Module(Script):
    """One module of the package."""

    def said(self) -> Iterator[str]:
        for node in self._nodes:
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                for words in node.args[:2]:
                    yield from self._templates(words)
            elif ast.unparse(node.func).rpartition(".")[2] in METHODS:
                for words in node.args:
                    yield from self._templates(words)
            for keyword in node.keywords:
                if keyword.arg in KEYWORDS:
                    yield from self._templates(keyword.value)

    def warnings(self) -> Iterator[str]:
        """The lines that a function named for its warnings tells."""
        for function in self._nodes:
            if isinstance(function, ast.FunctionDef) and "warning" in function.name:
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) == "lines.append":
                        yield from self._templates(node.args[0])
                    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
                        yield from self._templates(node.elt)

    def values(self) -> Iterator[str]:
        """The words that mappings and rows have, that stand behind a pattern, or are returned."""
        for node in self._nodes:
            for words in _words(node):
                yield from self._templates(words)

    def _alternatives(self, node: ast.AST) -> list[ast.expr]:
        """What a name may stand for, or a function of the module return."""
        if isinstance(node, ast.Call):
            return self._returned(ast.unparse(node.func).rpartition(".")[2])
        return super()._alternatives(node)

    def _returned(self, name: str) -> list[ast.expr]:
        return [
            end.value
            for function in self._nodes
            if isinstance(function, ast.FunctionDef) and function.name == name
            for end in ast.walk(function)
            if isinstance(end, ast.Return) and end.value is not None
        ]


def _words(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Dict(values=values):
            return values
        case ast.Call(func=function, args=words) if ast.unparse(function) in ROWS:
            return words
        case ast.Call(func=ast.Attribute(attr="append"), args=words):
            return words
        case ast.Assign(targets=[ast.Name(id="why")], value=words):
            return [words]
        case ast.Return(value=ast.Tuple(elts=words)):
            return words
        case ast.Return(value=ast.expr() as words):
            return [words]
        case ast.Assign(value=ast.Tuple(elts=rows)) | ast.AnnAssign(value=ast.Tuple(elts=rows)):
            return [one for row in rows if isinstance(row, ast.Tuple) for one in row.elts[1:]]
        case _:
            return []
