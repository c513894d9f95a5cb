"""Who may import whom, and who may print: the rules of the house, as a test."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from echolab.catalogue import ROOT

PACKAGE = ROOT / "echolab"

VALUES = {
    *("errors", "topology", "link", "job", "record", "counters", "conservation"),
    *("binomial", "judge", "probe"),
}
"""Modules without I/O: they import only one another, and the standard library."""

PURE = {"os", "subprocess", "socket", "pathlib", "time", "shutil", "tempfile", "signal"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "echo_app").glob("*.py")), ids=lambda p: p.name)
def test_the_lectures_programs_import_nothing_of_the_lab(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(path)}
    assert roots <= set(sys.stdlib_module_names) | {"echo_app", "__future__"}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_values_import_values_alone_and_do_no_input_or_output(name: str) -> None:
    found = imported(PACKAGE / f"{name}.py")
    ours = {module.split(".")[1] for module in found if module.startswith("echolab.")}
    assert ours <= VALUES
    assert not {module.partition(".")[0] for module in found} & PURE


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scenarios").glob("*.py")), ids=lambda path: path.name
)
def test_scenarios_import_only_public_names_of_echolab(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("echolab"):
            assert node.module == "echolab"
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("echolab") for alias in node.names)


PROGRAMS = {"engines/guest.py", "engines/child.py", "classroom/inside/builder.py"}
"""What runs as a program of its own on a host of the lab, with its own output and end."""


@pytest.mark.parametrize(
    "inside",
    sorted({str(path.relative_to(PACKAGE)) for path in MODULES} - PROGRAMS - {"cli.py"}),
)
def test_only_the_command_line_prints_exits_or_reads_the_environment(inside: str) -> None:
    places = {"os.environ", "os.getenv", "sys.exit", "sys.stdout", "sys.stderr"}
    for node in ast.walk(ast.parse((PACKAGE / inside).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "exit", "quit", "input"}, node.lineno
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert f"{node.value.id}.{node.attr}" not in places, node.lineno


GUEST = ("echolab", "echolab.perform", "echolab.job", "echolab.engines.guest", "echo_app.probe")


@pytest.mark.parametrize("module", GUEST)
def test_what_runs_in_the_guest_uses_the_standard_library_alone(module: str) -> None:
    """Asked of a fresh interpreter, with everything that the import pulled in."""
    script = f"import sys; before = set(sys.modules); import {module}; print(*set(sys.modules))"
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-E",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    allowed = set(sys.stdlib_module_names) | {"echolab", "echo_app", "__main__", "__mp_main__"}
    assert {root for root in roots if not root.startswith("_")} <= allowed


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    files = [*MODULES, *(ROOT / "echo_app").glob("*.py"), *(ROOT / "scenarios").glob("*.py")]
    long = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: count for name, count in long.items() if count > 400} == {}
