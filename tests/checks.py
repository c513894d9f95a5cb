"""What the cases of the exercises say, as the templates that a catalogue translates."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from echolab import resources
from echolab.sayings import ALONE
from tests.complaints import Module, says_something

SAID = {"case", "expect", "expect_bytes", "expect_history", "fail", "failed", "step", "Unmet"}
"""What a case says something with."""

BY = {"", "case_result", "_case", "lab", "_lab", "self", "_testbed"}
"""Who has these, besides a program that is asked."""

TOLD = {"expected", "question", "seen", "why"}
"""The words that they take by name."""

PEERS = {"expect_no_bytes": 1, "expect_silence": 1}
"""Where their method of a peer takes why (echolab.classroom.peers)."""

ROOMS = ("case", "case_runs", "check", "formatting", "peers", "submission", "testbed")
"""The modules of the classroom whose values are words of cases."""

COMMAND = re.compile(r"(read|write|[ab]-\d) ")
"""How the words begin that a case has from the table of a protocol, or expects as an answer."""


def templates() -> list[str]:
    """Each title, question, expectation and step; {0}, {1} … stand where others' words do."""
    checks = resources.EXERCISES.glob("*/check.py")
    found = [one for path in checks for one in _Check(path, BY - {"self"}).said()]
    for name in ROOMS:
        module = _Check(resources.ROOT / "echolab/classroom" / f"{name}.py", BY)
        found += [*module.said(), *module.values(), *module.constants()]
    return sorted({one for one in found if _is_told(one)})


def _is_told(words: str) -> bool:
    if COMMAND.match(words) or words.startswith(","):
        return False
    return words in ALONE or " " in words.strip()


class _Check(Module):
    def __init__(self, path: Path, by: set[str]) -> None:
        super().__init__(path)
        self._by = by
        self._why = dict(PEERS)
        for node in self._nodes:
            if isinstance(node, ast.FunctionDef):
                names = [one.arg for one in node.args.args if one.arg != "self"]
                if "why" in names:
                    self._why[node.name] = names.index("why")

    def said(self) -> Iterator[str]:
        for node in self._nodes:
            if isinstance(node, ast.Call):
                for words in self._told(node):
                    yield from filter(says_something, self._templates(words))

    def constants(self) -> Iterator[str]:
        """The words that stand at the top of a module."""
        for node in self._nodes:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper():
                yield from self._templates(node.value)

    def _told(self, call: ast.Call) -> Iterator[ast.expr]:
        of, _, name = ast.unparse(call.func).rpartition(".")
        named = {one.arg: one.value for one in call.keywords}
        if name in SAID and of.rpartition(".")[2] in self._by:
            yield from call.args
            yield from (named[one] for one in TOLD & named.keys())
        elif name in self._why:
            yield from call.args[self._why[name] :][:1]
            yield from (named[one] for one in {"why"} & named.keys())

    def _alternatives(self, node: ast.AST) -> list[ast.expr]:
        match node:
            case ast.Call(func=ast.Attribute(attr="join"), args=[joined]):
                return [joined]
            case ast.ListComp(elt=one) | ast.GeneratorExp(elt=one):
                return [one]
            case _:
                return super()._alternatives(node)
