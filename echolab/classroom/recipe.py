"""How a submission is built and run, found from the names of its files alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import PurePosixPath

from echolab.classroom.interpreter import PYTHON
from echolab.errors import BadInput

PLACE = "/lab/submission"
"""Where a host finds the submission, read-only, whatever its path is outside."""

C_OPTIONS = ("-std=gnu17", "-Wall", "-Wextra", "-O1", "-pthread")

JAVA_OPTIONS = ("-Xint", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData")
"""One thread that collects, none that compiles: the same steps in every run."""

MAKEFILES = ("Makefile", "makefile", "GNUmakefile")

MAIN_FILES = ("main.py", "main.c", "Main.java", "main.js")

LANGUAGES: Mapping[str, str] = {".py": "Python", ".c": "C", ".java": "Java", ".js": "Node"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The language, the argument vectors that build (in the folder), the one that runs."""

    language: str
    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]


def recipe(files: Mapping[str, bool]) -> Recipe:
    """The recipe for a folder with these files, each with whether it may be executed.

    In this order: an executable `run`; a Makefile that makes `main`; main.py, main.c,
    Main.java, main.js; the only file of a known language; several C files that make one
    program. Raises BadInput where none of these is there.
    """
    top = {name: executable for name, executable in files.items() if "/" not in name}
    make = any(name in top for name in MAKEFILES)
    if "run" in top:
        if not top["run"]:
            raise BadInput("the file 'run' has no run bit", "chmod +x run")
        return Recipe("run", (("make",),) if make else (), (f"{PLACE}/run",))
    if make:
        return Recipe("C with make", (("make",),), (f"{PLACE}/main",))
    return _by_language(top)


def _by_language(top: Mapping[str, bool]) -> Recipe:
    sources = [name for name in top if PurePosixPath(name).suffix in LANGUAGES]
    main = next((name for name in MAIN_FILES if name in sources), None)
    kinds = {PurePosixPath(name).suffix for name in sources}
    if main is None and kinds == {".c"}:
        main = sources[0]
    if main is None and len(sources) != 1:
        raise BadInput(
            "the submission has no program that can be found"
            if not sources
            else f"which of {', '.join(sorted(sources))} is the program?",
            f"name it {', '.join(MAIN_FILES)}, or add a Makefile or an executable 'run'",
        )
    name = main or sources[0]
    suffix = PurePosixPath(name).suffix
    alike = sorted(other for other in sources if PurePosixPath(other).suffix == suffix)
    return _RECIPES[suffix](name, alike)


def _python(name: str, alike: list[str]) -> Recipe:
    return Recipe("Python", (), (PYTHON, f"{PLACE}/{name}"))


def _c(name: str, alike: list[str]) -> Recipe:
    return Recipe("C", (("gcc", *C_OPTIONS, "-o", "main", *alike),), (f"{PLACE}/main",))


def _java(name: str, alike: list[str]) -> Recipe:
    run = ("java", *JAVA_OPTIONS, "-cp", PLACE, PurePosixPath(name).stem)
    return Recipe("Java", (("javac", "-d", ".", *alike),), run)


def _node(name: str, alike: list[str]) -> Recipe:
    return Recipe("Node", (), ("node", f"{PLACE}/{name}"))


_RECIPES = {".py": _python, ".c": _c, ".java": _java, ".js": _node}
