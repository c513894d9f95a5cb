"""The names that ARCHITECTURE.md and CONTRIBUTING.md mention are names in the tree."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from echolab import cli
from echolab.resources import ROOT

DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md")

PACKAGE = ROOT / "echolab"

PLACES = ("", "exercises/*/", "tests/exercises/*/")

OTHERS = {"tc", "record.json", "inconclusive"}
"""What stands in backticks and is a name, but of nothing in the tree."""


def prose(document: str) -> str:
    """A document without its indented blocks."""
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("    "))


def mentioned(document: str) -> list[str]:
    """What stands in backticks in a document."""
    return re.findall(r"`([^`]+)`", prose(document).replace("\n", " "))


def defined(tree: ast.AST, prefix: str) -> Iterator[str]:
    """The qualified names of the classes, functions and values of a module or class."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield f"{prefix}.{node.name}"
            yield from defined(node, f"{prefix}.{node.name}")
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (f"{prefix}.{one.id}" for one in targets if isinstance(one, ast.Name))


@functools.cache
def code() -> frozenset[str]:
    """The qualified name of every room, module, class, function and value of ours."""
    names: set[str] = set()
    for room in ("echolab", "echo_app", "tests"):
        for path in (ROOT / room).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            names |= {module, module.rpartition(".")[0]}
            if "exercises" not in path.relative_to(ROOT).parts:
                names |= set(defined(ast.parse(path.read_text(encoding="utf-8")), module))
    return frozenset(names)


def is_name(text: str) -> bool:
    """Whether a text is the end of a qualified name of the code; `lab` is a script's `Lab`."""
    wanted = f".{re.sub(r'^lab[.]', 'Lab.', text)}"
    return any(f".{name}".endswith(wanted) for name in code())


def is_file(text: str) -> bool:
    """Whether a text is a file or folder of the tree, of an exercise or of its submissions.

    Words in capitals stand for any name.
    """
    pattern = re.sub(r"\b(NAME|NN|MISTAKE)\b", "*", text.rstrip("/"))
    return any(any(ROOT.glob(place + pattern)) for place in PLACES)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_and_every_name_of_the_code_is_there(document: str) -> None:
    wrong = []
    for text in mentioned(document):
        words = text.split("(")[0]
        if words.startswith("./lab "):
            known = words.split()[1] in cli.app.commands
        elif re.fullmatch(r"@?[A-Za-z_][\w.]*", words) and "/" not in words:
            known = is_name(words.lstrip("@")) or is_file(words)
        elif re.fullmatch(r"[\w./*-]+", words) and "/" in words:
            known = is_file(words)
        else:
            known = True  # a command, a text, an option
        if not known and words not in OTHERS:
            wrong.append(text)
    assert wrong == []


def test_the_page_of_rooms_has_every_room_and_no_other() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = page.split("## The rooms\n")[1].split("\n## ")[0]
    top: set[str] = set()
    inside: set[str] = set()
    for indent, names in re.findall(r"^    ( {0,2})(\S+(?: \S+)*?)(?:  .*)?$", block, re.M):
        (inside if indent else top).update(names.split())
    assert [name for name in top if not (ROOT / name).exists()] == []
    rooms = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    assert inside == rooms | modules


def test_the_architecture_is_one_page() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 90
