"""How a submission is built and run: one rule, which `docs/teaching.md` has as a table.

Strategy: the rows of that table are tried in order, and the first that fits decides. If a row
depends on the files' contents, they are read, as a person would: which of two C files has `main`,
which class a Java program starts with. If a row can be read in two ways, or none fits, nothing is
guessed: the error says what was looked for, what is there and what to rename.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence

from echolab.classroom import languages, projects
from echolab.classroom.languages import LANGUAGES, PLACE, Recipe
from echolab.classroom.source_tree import SourceTree, folder_of, stem, suffix
from echolab.errors import BadInput

__all__ = ["LANGUAGES", "PLACE", "RUN", "SOURCES", "Recipe", "recipe", "settled"]

RUN = "run"
"""The file that starts a submission, whatever its language."""

MAKEFILES = ("Makefile", "makefile", "GNUmakefile")

MAIN, INDEX = "main", "index"
"""The name of a program's file, in any language and in JavaScript."""

SOURCES = "src"
"""The folder in which a program is looked for if none is beside it."""

NOT_PROGRAMS = frozenset({"test", "tests", "doc", "docs", "old", "backup", "data", "include"})
"""Folders in which no program is looked for."""

LOOKED_FOR = (
    "a file 'run', a Makefile, a project file, a Python package, or a file in "
    + ", ".join(dict.fromkeys(LANGUAGES.values()))
)

NOT_PROGRAMS_OF_BUILDS = (".o", ".so", ".a", ".d", ".sh", ".class", ".txt", ".md", *LANGUAGES)

SHOWN = 8
"""How many names of files a message shows."""


def recipe(tree: SourceTree, called: Sequence[str] = (), tools: Collection[str] = ()) -> Recipe:
    """The recipe for these files; `called` is the name that the program may have besides main.

    `tools` are the optional build tools that this machine has. Raises BadInput if there is no
    program, or more than one.
    """
    top = set(tree.inside(""))
    make = any(name in top for name in MAKEFILES)
    if RUN in top:
        if not tree.files[RUN]:
            raise BadInput("the file 'run' is not executable", "begin it with #!/bin/sh")
        return Recipe(RUN, (("make",),) if make else (), (f"{PLACE}/{RUN}",))
    if make:
        return Recipe("make", (("make",),), (), made="")
    found = projects.project(tree, called, tools)
    return found or _package(tree) or _by_sources(tree, called)


def _package(tree: SourceTree) -> Recipe | None:
    """The recipe for a Python package that can be run, at the top or in `src`."""
    for folder in ("", SOURCES):
        if languages.sources(tree.inside(folder)):
            return None
        starts = f"{folder}/" if folder else ""
        found = [
            folder_of(name)
            for name in tree.below(folder)
            if name.endswith("/__main__.py") and name.removeprefix(starts).count("/") == 1
        ]
        if len(found) > 1:
            raise _several(found, "keep one of these packages")
        if found:
            return languages.python_package(found[0].removeprefix(starts), folder)
    return None


def _by_sources(tree: SourceTree, called: Sequence[str]) -> Recipe:
    place = _place(tree, called)
    found = languages.sources(tree.inside(place))
    if not found:
        raise _nothing(tree)
    entry = _entry(found, tree, called)
    return languages.recipe_for(entry, found, tree)


def _place(tree: SourceTree, called: Sequence[str]) -> str:
    """The folder with the program: the top, `src`, or the only one with sources."""
    for folder in ("", SOURCES):
        if languages.sources(tree.inside(folder)):
            return folder
    holding = sorted(
        {
            folder_of(name)
            for name in languages.sources(tree.files)
            if not NOT_PROGRAMS & {part.lower() for part in folder_of(name).split("/")}
        }
    )
    named = [folder for folder in holding if folder.rpartition("/")[2].lower() in called]
    if len(holding) == 1 or len(named) == 1:
        return (named or holding)[0]
    if holding:
        raise _several(holding, "hand in the folder with the program alone")
    return ""


def _entry(found: Sequence[str], tree: SourceTree, called: Sequence[str]) -> str:
    """The file that the program starts with, by its name or its content."""
    for name in (MAIN, "__main__", *called, INDEX):
        exact = [one for one in found if stem(one).lower() == name]
        if len(exact) > 1:
            raise _several(exact, "rename all but the program")
        if exact:
            return exact[0]
    for name in called:
        holding = [one for one in found if name in stem(one).lower()]
        if len(holding) == 1:
            return holding[0]
    if len(found) == 1:
        return found[0]
    starting = languages.starting(found, tree)
    if len(starting) == 1:
        return starting[0]
    names = sorted(one.rpartition("/")[2] for one in starting or found)
    ending = suffix(names[0])
    raise _several(names, f"rename the program to {'Main' if ending == '.java' else MAIN}{ending}")


def _several(names: Iterable[str], remedy: str) -> BadInput:
    return BadInput(f"which of {_shown(names)} is the program?", f"{remedy}, or add a file 'run'")


def _nothing(tree: SourceTree) -> BadInput:
    return BadInput(
        f"there is no program: looked for {LOOKED_FOR}; there is {_shown(tree.files)}",
        "name the program main.py, main.c or as its language does, or add a file 'run' that starts "
        "it",
    )


def _shown(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return (", ".join(shown[:SHOWN]) or "nothing") + more


def settled(
    found: Recipe, files: Collection[str], new: Collection[str], called: Sequence[str]
) -> Recipe:
    """The recipe with the program that its build made, if only the build tells.

    `files` are all executable files after the build, `new` those that it made. Raises BadInput if
    there is no such program or more than one.
    """
    if found.made is None:
        return found
    for names in (new, files):
        within = sorted(name for name in names if _may_be_program(name, found.made))
        for wanted in (MAIN, *called):
            if exact := [name for name in within if name.rpartition("/")[2] == wanted]:
                return dataclasses.replace(found, run=(f"{PLACE}/{exact[0]}",))
        if len(within) == 1:
            return dataclasses.replace(found, run=(f"{PLACE}/{within[0]}",))
        if within:
            raise BadInput(
                f"which of {_shown(within)}, that {found.build[-1][0]} made, is the program?",
                f"have it make only one, or call it {MAIN}",
            )
    raise BadInput(
        f"{found.build[-1][0]} made no program: looked for {MAIN}, or one executable file; "
        f"it made {_shown(new) if new else 'no executable file'}",
        f"have it make {MAIN}",
    )


def _may_be_program(name: str, folder: str) -> bool:
    if folder and folder_of(name) != folder:
        return False
    if "CMakeFiles" in name.split("/"):  # where CMake tries its compilers
        return False
    return suffix(name) not in NOT_PROGRAMS_OF_BUILDS and name != RUN
