"""Submissions that a project file describes: CMake, Cargo, Go modules, Maven, Gradle, Node.

Everything is built without a network: what a project depends on must be handed in with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from echolab.classroom import languages
from echolab.classroom.languages import GO_ENVIRONMENT, PLACE, Recipe
from echolab.classroom.source_tree import SourceTree, folder_of, stem, suffix
from echolab.errors import BadInput

CMAKE = "CMakeLists.txt"

CMAKE_FOLDER = ".cmake"
"""CMake's working folder in the submission, so that none of the student's is used."""

MAVEN_SOURCES = "src/main/java"

JARS = "lib"
"""The folder for a Java project's libraries, which must be handed in."""

DEPENDENCY = re.compile(r"<dependency>(.*?)</dependency>", re.DOTALL)

MAIN_CLASS = re.compile(
    r"<mainClass>\s*([\w.]+)\s*</mainClass>|mainClass(?:Name)?\s*(?:=|\.set\()\s*[\"']([\w.]+)"
)

START = re.compile(r"^\s*node\s+(?:-\S+\s+)*(\S+)")


def project(tree: SourceTree, called: Sequence[str], tools: Collection[str]) -> Recipe | None:
    """The recipe for the project file at the top; None if there is none.

    `called` is the name that the program may have besides main.

    Raises BadInput if there are several, or if one cannot be read.
    """
    top = set(tree.inside(""))
    found = [name for name in _KINDS if name in top]
    if CMAKE in found and "cmake" not in tools and languages.sources(tree.files):
        found.remove(CMAKE)  # its sources say enough for one program
    made = {name: recipe for name in found if (recipe := _KINDS[name](tree, name, called))}
    if len(made) > 1:
        raise BadInput(
            f"which of {', '.join(sorted(made))} is for the program?",
            "keep one of them, or add a file 'run'",
        )
    return next(iter(made.values()), None)


def _cmake(tree: SourceTree, name: str, called: Sequence[str]) -> Recipe:
    build = (
        ("cmake", "-S", ".", "-B", CMAKE_FOLDER, "-DCMAKE_BUILD_TYPE=Release"),
        ("cmake", "--build", CMAKE_FOLDER),
    )
    return Recipe("CMake", build, (), made="")


def _cargo(tree: SourceTree, name: str, called: Sequence[str]) -> Recipe:
    build = (("cargo", "build", "--release", "--offline", "-j", "1"),)
    return Recipe("Rust", build, (), made="target/release", heavy=True)


def _go(tree: SourceTree, name: str, called: Sequence[str]) -> Recipe:
    """The module's program: at the top or, as Go's own layout has it, in a folder of `cmd`."""
    starts = languages.starting([one for one in tree.files if suffix(one) == ".go"], tree)
    folders = sorted({folder_of(one) for one in starts})
    named = [one for one in folders if one.rpartition("/")[2] in ("main", *called)]
    chosen = [""] if "" in folders else named or folders
    if len(chosen) > 1:
        raise BadInput(f"which of {', '.join(chosen)} is the program?", "call its folder main")
    package = f"./{chosen[0]}" if chosen and chosen[0] else "."
    build = (("go", "build", "-o", "main", package),)
    return Recipe("Go", build, (f"{PLACE}/main",), GO_ENVIRONMENT, heavy=True)


def _java(tree: SourceTree, name: str, called: Sequence[str]) -> Recipe:
    """Maven's and Gradle's own layout, compiled without their plug-ins, which are not here."""
    text = tree.read(name)
    lacking = [part for part in DEPENDENCY.findall(text) if "<scope>test</scope>" not in part]
    jars = sorted(one for one in tree.below(JARS) if suffix(one) == ".jar")
    if lacking and not jars:
        raise BadInput(
            f"{name} names dependencies, which are not here",
            f"hand in their .jar files in the folder {JARS}",
        )
    folder = MAVEN_SOURCES if tree.below(MAVEN_SOURCES) else ""
    files = [one for one in tree.below(folder) if suffix(one) == ".java" and "/test/" not in one]
    entries = languages.starting(files, tree) if files else []
    if chosen := MAIN_CLASS.search(text):
        wanted = (chosen[1] or chosen[2]).replace(".", "/")
        entries = [one for one in files if one.removesuffix(".java").endswith(wanted)] or entries
    entries = [one for one in entries if stem(one) == "Main"] or entries
    if len(entries) != 1:
        raise BadInput(
            f"which class of {name} is the program? There are {len(entries)} with a main method",
            "call it Main",
        )
    return languages.java(entries[0], files, tree, ":".join(f"{PLACE}/{jar}" for jar in jars))


def _node(tree: SourceTree, name: str, called: Sequence[str]) -> Recipe | None:
    """What `npm start` or `node .` would run; None if that is not a file of the submission."""
    try:
        told: Any = json.loads(tree.read(name))
    except ValueError as error:
        raise BadInput(f"{name} is not valid: {error}", "correct it") from None
    told = told if isinstance(told, dict) else {}
    scripts = told.get("scripts")
    start = START.match(str(scripts.get("start", ""))) if isinstance(scripts, dict) else None
    for wanted in (start[1] if start else None, told.get("main")):
        path = str(wanted or "").removeprefix("./")
        for file in (path, f"{path}.js", f"{path}/index.js".lstrip("/")):
            if file in tree.files and suffix(file) in languages.LANGUAGES:
                return languages.recipe_for(file, (file,), tree)
    return None


_KINDS: Mapping[str, Callable[[SourceTree, str, Sequence[str]], Recipe | None]] = {
    CMAKE: _cmake,
    "Cargo.toml": _cargo,
    "go.mod": _go,
    "pom.xml": _java,
    "build.gradle": _java,
    "build.gradle.kts": _java,
    "package.json": _node,
}

FILES = tuple(_KINDS)
"""The names of the files that describe a project."""
