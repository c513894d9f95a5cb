"""What errors say, as the templates that a catalogue translates."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from echolab import resources
from tests.sayings import Script

ROOMS = (
    "classroom",
    "cli.py",
    "command_kinds.py",
    "engines/registry.py",
    "errors.py",
    "language.py",
    "link.py",
    "runs",
    "scenario",
    "schedule.py",
    "sweep_command.py",
    "topology.py",
    "watch_command.py",
)
"""The rooms whose errors come of what somebody typed, wrote or handed in."""

ERRORS = {"BadInput", "CannotRun", "ScriptError"}


def templates() -> list[str]:
    """Each message and each remedy of an error; {0}, {1} … stand where words of others do.

    A single word is a name, and stays.
    """
    found = (one for path in _modules() for one in _Module(path).said())
    return sorted({one for one in found if " " in one.strip()})


def _modules() -> Iterator[Path]:
    package = resources.ROOT / "echolab"
    for room in ROOMS:
        path = package / room
        yield from path.rglob("*.py") if path.is_dir() else [path]


class _Module(Script):
    def said(self) -> Iterator[str]:
        for node in self._nodes:
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in ERRORS:
                for words in node.args[:2]:
                    yield from self._templates(words)

    def _alternatives(self, node: ast.AST) -> list[ast.expr]:
        """What a name may stand for, or a function of the module return."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._returned(node.func.id)
        return super()._alternatives(node)

    def _returned(self, name: str) -> list[ast.expr]:
        return [
            end.value
            for function in self._nodes
            if isinstance(function, ast.FunctionDef) and function.name == name
            for end in ast.walk(function)
            if isinstance(end, ast.Return) and end.value is not None
        ]
