"""The languages that submissions are written in: their sources, and how they are built and run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from echolab.classroom.interpreter import PYTHON
from echolab.classroom.source_tree import SourceTree, folder_of, stem, suffix

PLACE = "/lab/submission"
"""Where a host finds the submission, whatever its path outside is."""

LANGUAGES: Mapping[str, str] = {
    ".py": "Python",
    ".c": "C",
    ".cpp": "C++",
    ".cc": "C++",
    ".cxx": "C++",
    ".java": "Java",
    ".js": "Node",
    ".mjs": "Node",
    ".cjs": "Node",
    ".ts": "TypeScript",
    ".go": "Go",
    ".rs": "Rust",
}
"""The language of a source, by the ending of its name."""

C_OPTIONS = ("-std=gnu17", "-Wall", "-Wextra", "-O1", "-pthread")

CPP_OPTIONS = ("-std=gnu++17", "-Wall", "-Wextra", "-O1", "-pthread")

JAVA_OPTIONS = ("-Xint", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData")
"""One garbage collector thread, no compiler threads: the same steps in every run."""

CLASSES = ".classes"
"""The folder of the submission for its compiled Java classes."""

GO_ENVIRONMENT: Mapping[str, str] = {
    "GOFLAGS": "-p=1",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "CGO_ENABLED": "0",
}
"""One compiler at a time, nothing downloaded, and no C compiler for the network's part."""

STRIPS_TYPES = "--experimental-strip-types"
"""The option with which Node 22.6 and later run TypeScript; since 23.6 it is the default."""

BESIDE = frozenset({"test", "tests", "doc", "docs", "old", "backup", "example", "examples"})
"""Folders whose C sources are not part of the program."""

DECLARATIONS = (".d.ts", "module-info.java", "package-info.java")
"""Endings of files that declare types, modules or packages, and hold no program."""

COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)

C_MAIN = re.compile(r"(?:^|\bint\s+|\bvoid\s+|\bauto\s+)main\s*\(", re.MULTILINE)

JAVA_MAIN = re.compile(r"\bstatic\s+(?:(?:public|final)\s+)*void\s+main\s*\(")

JAVA_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)

PYTHON_MAIN = re.compile(r"^if\s*\(?\s*__name__\s*==", re.MULTILINE)

GO_MAIN, RUST_MAIN = re.compile(r"^func\s+main\s*\(", re.M), re.compile(r"\bfn\s+main\s*\(")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a program is built and run.

    `build` are argument vectors, for the submission's folder; `run` is the one that starts the
    program, empty as long as only the build tells its name: `made` is then the folder in which the
    build puts it. `environment` is for both. The program starts in `folder`. `heavy` says that the
    compiler needs much memory and time.
    """

    language: str
    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    folder: str = ""
    made: str | None = None
    heavy: bool = False

    def tools(self) -> tuple[str, ...]:
        """The programs of the machine that it needs, by name."""
        words = [argv[0] for argv in (*self.build, self.run) if argv]
        named = ["python3" if word == PYTHON else word for word in words]
        return tuple(dict.fromkeys(word for word in named if "/" not in word))


def sources(names: Iterable[str]) -> list[str]:
    """The files that are sources in a known language; those that only declare do not count."""
    return [n for n in names if suffix(n) in LANGUAGES and not n.endswith(DECLARATIONS)]


def starting(names: Sequence[str], tree: SourceTree) -> list[str]:
    """The sources that a program can start with, by their content.

    Any Python or Node file can be started. If no text says which is meant, it is the one that no
    other names.
    """
    found = [name for name in names if _can_start(name, tree)]
    if found or len({LANGUAGES[suffix(name)] for name in names}) > 1:
        return found
    texts = {name: tree.read(name) for name in names}
    return [
        name
        for name in names
        if not any(
            re.search(rf"\b{re.escape(stem(name))}\b", text)
            for other, text in texts.items()
            if other != name
        )
    ]


def _can_start(name: str, tree: SourceTree) -> bool:
    kind = _STARTS.get(suffix(name))
    return kind is not None and bool(kind.search(COMMENTS.sub(" ", tree.read(name))))


_STARTS = {
    ".py": PYTHON_MAIN,
    ".c": C_MAIN,
    ".cpp": C_MAIN,
    ".cc": C_MAIN,
    ".cxx": C_MAIN,
    ".java": JAVA_MAIN,
    ".go": GO_MAIN,
    ".rs": RUST_MAIN,
}


def recipe_for(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
    """The recipe for a program that starts with the source `entry`; `beside` has it and others."""
    return _RECIPES[LANGUAGES[suffix(entry)]](entry, beside, tree)


def python_package(package: str, folder: str) -> Recipe:
    """The recipe for a package, run as `python3 -m` does it, in the folder that holds it."""
    return Recipe("Python", (), (PYTHON, "-m", package.replace("/", ".")), folder=folder)


def _python(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
    return Recipe("Python", (), (PYTHON, f"{PLACE}/{entry}"), folder=folder_of(entry))


def _node(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
    return Recipe("Node", (), ("node", f"{PLACE}/{entry}"), folder=folder_of(entry))


def _typescript(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
    run = ("node", STRIPS_TYPES, f"{PLACE}/{entry}")
    return Recipe("TypeScript", (), run, folder=folder_of(entry))


def _linked(entry: str, tree: SourceTree, endings: Sequence[str]) -> tuple[str, ...]:
    """The sources that make one program with `entry`: those below its folder without `main`.

    Of two with the same name, the nearer one is taken.
    """
    chosen = {entry.rpartition("/")[2]: entry}
    for name in sorted(tree.below(folder_of(entry)), key=lambda one: (one.count("/"), one)):
        aside = BESIDE & {part.lower() for part in name.split("/")[:-1]}
        if suffix(name) in endings and not aside and not _can_start(name, tree):
            chosen.setdefault(name.rpartition("/")[2], name)
    return tuple(sorted(chosen.values()))


def _native(compiler: str, options: Sequence[str], endings: Sequence[str]) -> _Make:
    def make(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
        files = _linked(entry, tree, endings)
        include = ("-I", "include") if any(n.startswith("include/") for n in tree.files) else ()
        target = "main" if "main" not in tree.folders() else "main.out"
        argv = (compiler, *options, *include, "-o", target, *files, "-lm")
        return Recipe(LANGUAGES[endings[0]], (argv,), (f"{PLACE}/{target}",))

    return make


def java(entry: str, files: Sequence[str], tree: SourceTree, libraries: str = "") -> Recipe:
    """The recipe for Java sources whose `entry` has the main method."""
    package = JAVA_PACKAGE.search(COMMENTS.sub(" ", tree.read(entry)))
    name = f"{package[1]}.{stem(entry)}" if package else stem(entry)
    path = ":".join(filter(None, (f"{PLACE}/{CLASSES}", PLACE, libraries)))
    compile_ = ("javac", "-encoding", "UTF-8", "-d", CLASSES)
    with_libraries = ("-cp", libraries) if libraries else ()
    build = ((*compile_, *with_libraries, *files),)
    return Recipe("Java", build, ("java", *JAVA_OPTIONS, "-cp", path, name))


def _java(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
    files = [
        name
        for name in tree.below(folder_of(entry))
        if suffix(name) == ".java" and not BESIDE & {part.lower() for part in name.split("/")[:-1]}
    ]
    return java(entry, files, tree)


def _go(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
    files = [n for n in beside if suffix(n) == ".go" and not n.endswith("_test.go")]
    build = (("go", "build", "-o", "main", *files),)
    return Recipe("Go", build, (f"{PLACE}/main",), GO_ENVIRONMENT, heavy=True)


def _rust(entry: str, beside: Sequence[str], tree: SourceTree) -> Recipe:
    build = (("rustc", "--edition", "2021", "-O", "-o", "main", entry),)
    return Recipe("Rust", build, (f"{PLACE}/main",), heavy=True)


_Make = Callable[[str, Sequence[str], SourceTree], Recipe]

_RECIPES: Mapping[str, _Make] = {
    "Python": _python,
    "C": _native("gcc", C_OPTIONS, (".c",)),
    "C++": _native("g++", CPP_OPTIONS, (".cpp", ".cc", ".cxx")),
    "Java": _java,
    "Node": _node,
    "TypeScript": _typescript,
    "Go": _go,
    "Rust": _rust,
}
