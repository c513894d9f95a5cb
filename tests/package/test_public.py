"""The public interface: what is exported is all that a script can be handed, and it is told."""

from __future__ import annotations

import ast
import inspect
import itertools
import random
import re
import subprocess
import sys
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import echolab
from echolab import resources

HERE = Path(__file__).parent

PUBLIC = [getattr(echolab, name) for name in echolab.__all__]

CLASSES = [value for value in PUBLIC if inspect.isclass(value)]

API = resources.ROOT / "docs" / "api.md"


def members(kind: type) -> dict[str, typing.Any]:
    """The public methods and properties of a class, also inherited ones, as functions."""
    found = {}
    for base in reversed(kind.__mro__):
        for name, member in vars(base).items():
            function = member.fget if isinstance(member, property) else member
            if not name.startswith("_") and inspect.isfunction(function):
                found[name] = function
    return {
        name: member for name, member in found.items() if member.__module__.startswith("echolab")
    }


def classes_in(hint: object) -> Iterator[type]:
    """The classes that an annotation names, in whatever brackets."""
    if inspect.isclass(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from classes_in(inner)


ELSEWHERE = (echolab.Record,)
"""What docs/record.md describes, with all that is in it."""


@pytest.mark.parametrize(
    "kind",
    [kind for kind in CLASSES if kind not in ELSEWHERE],
    ids=lambda kind: kind.__name__,
)
def test_every_type_of_ours_that_a_script_gives_or_gets_is_exported(kind: type) -> None:
    names = {"random": random}
    hints = [typing.get_type_hints(one, localns=names) for one in members(kind).values()]
    hints.append(typing.get_type_hints(kind, localns=names))
    for hint in (hint for each in hints for hint in each.values()):
        for found in classes_in(hint):
            assert found in CLASSES or not found.__module__.startswith("echolab"), found


def test_the_script_of_these_tests_uses_every_name_and_every_method() -> None:
    tree = ast.parse((HERE / "every_name.py").read_text(encoding="utf-8"))
    (names,) = (
        {alias.name for alias in node.names}
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "echolab"
    )
    assert names == set(echolab.__all__)
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for kind in CLASSES:
        assert set(members(kind)) <= used, kind


def test_the_page_of_the_interface_is_what_the_docstrings_say() -> None:
    made = subprocess.run(
        [sys.executable, "docs/api.py"],
        cwd=resources.ROOT,
        env={"PYTHONPATH": ".", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert API.read_text(encoding="utf-8") == made.stdout, "run: python docs/api.py > docs/api.md"


def test_the_page_has_every_public_name_and_member_with_its_parameters() -> None:
    text = API.read_text(encoding="utf-8")
    for name in echolab.__all__:
        assert f"\n## `{name}`\n" in text
    for kind in CLASSES:
        part = text.partition(f"\n## `{kind.__name__}`\n")[2].partition("\n## ")[0]
        for name, function in members(kind).items():
            heading = re.compile(rf"^### `{kind.__name__}\.{name}[:`]", re.M)
            assert heading.search(part), (kind, name)
            told = heading.split(part)[1].partition("\n### ")[0]
            for parameter in list(inspect.signature(function).parameters)[1:]:
                assert f"{parameter}: " in told, (kind, name, parameter)


def test_every_public_name_has_a_docstring_of_its_own() -> None:
    for kind in CLASSES:
        assert (kind.__doc__ or "").strip() and not (kind.__doc__ or "").startswith(kind.__name__)
        for name, function in members(kind).items():
            assert (function.__doc__ or "").strip(), (kind, name)


def test_every_attribute_of_a_lab_is_told() -> None:
    classes = [kind for kind in echolab.Lab.__mro__ if kind.__module__.startswith("echolab")]
    for kind in classes:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                assert node.attr.startswith("_") or f"`{node.attr}`" in str(echolab.Lab.__doc__)


IMPORTS = (
    "from echolab import scenario",
    "import echolab.scenario",
    "from echolab.scenario import lab",
    "import echolab.scenario.performance",
    "import echolab.scenario.lab as room",
)
"""`scenario` is the decorator and the folder that has it: what is imported first must not
decide which of them the name means."""

USE = """
import echolab


@echolab.scenario
def one(lab: echolab.Lab) -> None: ...


@echolab.scenario(sentence="two")
def two(lab: echolab.Lab) -> None: ...
"""


def test_the_decorator_is_one_thing_at_run_time_in_every_order_of_imports() -> None:
    script = (
        "import itertools, sys\n"
        f"for order in itertools.permutations({IMPORTS!r}):\n"
        "    for name in [name for name in sys.modules if name.startswith('echolab')]:\n"
        "        del sys.modules[name]\n"
        "    here = {}\n"
        f"    exec('\\n'.join((*order, {USE!r})), here)\n"
        "    found = here['echolab'].scenario\n"
        "    assert here['scenario'] is found is here['lab'].__dict__.get('scenario', found)\n"
        "    assert found.__module__ == 'echolab.scenario.script' and callable(found)\n"
        "print('all')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=resources.ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout == "all\n", done.stderr


def test_the_decorator_is_one_thing_to_a_type_checker_in_every_order_of_imports(
    tmp_path: Path,
) -> None:
    for number, order in enumerate(itertools.permutations(IMPORTS)):
        text = "\n".join((*order, USE, "@scenario\ndef three(lab: echolab.Lab) -> None: ...\n"))
        (tmp_path / f"order_{number}.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache", "."],
        cwd=tmp_path,
        env={"MYPYPATH": str(resources.ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
