"""Who may import whom, and who may print: the rules of the house, as a test."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from echolab.resources import ROOT

PACKAGE = ROOT / "echolab"

VALUES = (
    "errors",
    "files",
    "topology",
    "tc",
    "link",
    "traffic",
    "schedule",
    "intervention",
    "job",
    "history",
    "record",
    "judge",
)
"""Modules and rooms without I/O: they import only one another, and the standard library."""

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


def modules_of(name: str) -> list[Path]:
    """The modules of a room, or the one module of that name."""
    return sorted((PACKAGE / name).rglob("*.py")) or [PACKAGE / f"{name}.py"]


@pytest.mark.parametrize(
    "path",
    [path for name in VALUES for path in modules_of(name)],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_values_import_values_alone_and_do_no_input_or_output(path: Path) -> None:
    found = imported(path)
    ours = {module.split(".")[1] for module in found if module.startswith("echolab.")}
    assert ours <= set(VALUES)
    assert not {module.partition(".")[0] for module in found} & PURE


READERS = {"read.py", "schema.py"}
"""Of the room `compose`, what reads files: the Compose files, and the schema that comes with it."""


@pytest.mark.parametrize(
    "path",
    [path for path in modules_of("compose") if path.name not in READERS],
    ids=lambda path: path.name,
)
def test_a_compose_file_is_read_in_one_place(path: Path) -> None:
    assert not {module.partition(".")[0] for module in imported(path)} & PURE


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


def name_of(path: Path) -> str:
    """The dotted name of a module's file; a package's is its folder's."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


def arrows_of(path: Path) -> set[str]:
    """The modules of ours that a file imports: the innermost ones, not their packages."""
    found = {name for name in imported(path) if name in NAMES} - {name_of(path), "echolab"}
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


ARROWS = {name_of(path): arrows_of(path) for path in MODULES}


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """The sets of more than one node that can each be reached from one another, sorted.

    Strategy: a node and another are in a circle if each is reachable from the other.
    """
    reached = {node: set(targets) for node, targets in arrows.items()}
    for through in reached:
        for node, targets in reached.items():
            if through in targets:
                reached[node] = targets | reached[through]
    found = {
        tuple(sorted(other for other in reached if other in targets and node in reached[other]))
        for node, targets in reached.items()
    }
    return sorted(list(circle) for circle in found if len(circle) > 1)


def test_a_circle_is_found() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set()}
    assert circles(arrows) == [["a", "b", "c"]]


def test_no_modules_import_one_another_in_a_circle() -> None:
    """Wherever in the file the import stands: one in a function hides a circle, no more."""
    assert circles(ARROWS) == []


LAYERS = (
    ("errors",),
    ("cache_file", "tc", "files", "language"),
    ("link", "topology", "resources", "progress", "version"),
    ("traffic", "schedule", "intervention", "settings", "compose", "history", "sayings"),
    ("job",),
    ("record",),
    ("judge", "kernel", "roots"),
    ("engines",),
    ("packages", "scenario"),
    ("maelstrom",),
    ("guest", "report"),
    ("runs",),
    ("classroom", "cluster", "library", "watch"),
    ("pytest_plugin",),
    ("doctor", "test", "output", "help_pages"),
    ("command_kinds",),
    ("console",),
    ("clusters",),
    ("classroom_commands", "lab_commands", "maelstrom_command", "sweep_command", "watch_command"),
    ("cli",),
    ("__main__",),
)
"""The rooms and the modules beside them: each imports only what stands in a layer above."""


def room(module: str) -> str:
    """The room that a module is in, or its own name where it is in none."""
    return module.split(".")[1]


@pytest.mark.parametrize("module", sorted(NAMES - {"echolab"}))
def test_arrows_point_from_a_layer_to_those_above_it(module: str) -> None:
    depth = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    own = room(module)
    for target in ARROWS[module]:
        other = room(target)
        assert other == own or depth[other] < depth[own], target


PROGRAMS = {"guest.py", "engines/namespaces/child.py", "classroom/guest/builder.py"}
"""What runs as a program of its own on a host of the lab, with its own output and end."""


IN_THE_PACKAGE = {"maelstrom/scenario.py"}
"""A scenario that does not stand among the others; what it prints is part of the record."""

COMMANDS = {
    "classroom_commands.py",
    "cli.py",
    "console.py",
    "lab_commands.py",
    "maelstrom_command.py",
    "sweep_command.py",
    "watch_command.py",
}

OPENINGS = {
    "cluster/performer.py",
    "cluster/worker.py",
    "library/opening.py",
    "pytest_plugin.py",
}
"""Where what others started calls: programs, tests, Dask. There the environment is read, too."""


@pytest.mark.parametrize(
    "inside",
    sorted(
        {str(path.relative_to(PACKAGE)) for path in MODULES} - PROGRAMS - COMMANDS - IN_THE_PACKAGE
    ),
)
def test_only_the_command_line_prints_exits_or_reads_the_environment(inside: str) -> None:
    places = {"os.environ", "os.getenv", "sys.exit", "sys.stdout", "sys.stderr"}
    if inside in OPENINGS:
        places -= {"os.environ"}
    for node in ast.walk(ast.parse((PACKAGE / inside).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "exit", "quit", "input"}, node.lineno
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert f"{node.value.id}.{node.attr}" not in places, node.lineno


GUEST = (
    "echolab",
    "echolab.scenario.performance",
    "echolab.job",
    "echolab.guest",
    "echo_app.probe",
)


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


def test_no_module_is_longer_than_five_hundred_lines() -> None:
    files = [*MODULES, *(ROOT / "echo_app").glob("*.py"), *(ROOT / "scenarios").glob("*.py")]
    long = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: count for name, count in long.items() if count > 500} == {}
