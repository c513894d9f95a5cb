"""Compilers and interpreters of this machine: which exist, where, and their versions.

Every host sees those below /usr and /opt. Many people have others in their home folder, put there
by rustup, SDKMAN, nvm, pyenv or by hand. Hosts see the folder of such a tool, read-only, and
nothing beside it: some tools have credentials next to them.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from echolab.classroom.languages import STRIPS_TYPES, Recipe
from echolab.engines.namespaces.sandbox import search_path
from echolab.errors import CannotRun

HOMES = (
    ".rustup/toolchains/*",
    ".sdkman/candidates/*/current",
    ".nvm/versions/node/*",
    ".local/share/fnm/node-versions/*/installation",
    ".pyenv/versions/*",
    ".local/go",
    "go-sdk",
    "sdk/go*",
    ".jdks/*",
)
"""Where the tools of home folders are, each in a folder with a `bin` (patterns)."""

PACKAGES: Mapping[str, str] = {
    "gcc": "gcc libc6-dev",
    "g++": "g++",
    "make": "make",
    "cmake": "cmake",
    "javac": "default-jdk-headless",
    "java": "default-jre-headless",
    "node": "nodejs",
    "go": "golang-go",
    "rustc": "rustc",
    "cargo": "cargo",
}
"""The Debian packages of the tools."""

ASKED: Mapping[str, Sequence[str]] = {"go": ("version",)}
"""How to ask a tool for its version if not by --version."""

VERSION = re.compile(r"\d+(?:\.\d+)+[\w.+~-]*|\b\d+\b")

LONGEST_ANSWER = 10.0
"""Seconds within which a tool must report its version."""

OPTIONAL = ("cmake",)
"""Build tools without which a submission can perhaps be built in another way."""

TYPESCRIPT_SINCE = (22, 6)
"""The first release of Node that can run TypeScript (its option --experimental-strip-types)."""

NOT_FOUND = re.compile(
    r"(?:^|[\s:])([\w+.-]+): (?:\d+: )?(?:command )?(?:not found|No such file or directory)"
    r"|: (?:\d+: )?([\w+.-]+): (?:command )?not found",
    re.MULTILINE,
)
"""How a shell and make say that a program is missing."""


@dataclasses.dataclass(frozen=True)
class Tools:
    """The tools that hosts have: the folders of a home that they see, and their PATH."""

    folders: tuple[str, ...]
    path: str

    def has(self, name: str) -> bool:
        """Whether hosts find a program of that name."""
        return shutil.which(name, path=self.path) is not None

    def optional(self) -> tuple[str, ...]:
        """The optional build tools that exist here."""
        return tuple(name for name in OPTIONAL if self.has(name))

    def versions(self, names: Collection[str]) -> tuple[str, ...]:
        """Each tool with its version: `gcc 12.2.0`."""
        told = ((name, shutil.which(name, path=self.path)) for name in names)
        return tuple(f"{name} {_version(path)}".strip() for name, path in told if path)


def need(found: Recipe, tools: Tools) -> None:
    """Raise CannotRun, with the package to install, if a recipe needs what is missing here."""
    for name in found.tools():
        if not tools.has(name):
            raise missing(name)
    if STRIPS_TYPES in found.run:
        _need_typescript(tools)


def missing(name: str) -> CannotRun:
    """The error for a tool that this machine lacks."""
    return CannotRun(
        f"this machine has no {name}", f"run: sudo apt-get install -y {PACKAGES.get(name, name)}"
    )


def missing_in(output: str, tools: Tools) -> str:
    """The known tool that a build's output says is missing, and that is; empty if none is."""
    for found in NOT_FOUND.finditer(output):
        name = found[1] or found[2]
        if (name in PACKAGES or name in ("cc", "c++", "clang", "mvn", "gradle", "npm")) and (
            not tools.has(name)
        ):
            return name
    return ""


def _need_typescript(tools: Tools) -> None:
    """Raise CannotRun unless Node can run TypeScript here."""
    (told,) = tools.versions(("node",)) or ("node",)
    numbers = [int(part) for part in re.findall(r"\d+", told)[:2]]
    if tuple(numbers) < TYPESCRIPT_SINCE:
        wanted = ".".join(map(str, TYPESCRIPT_SINCE))
        raise CannotRun(
            f"{told} does not run TypeScript; version {wanted} and later do",
            "install a newer one, or hand in JavaScript",
        )


@functools.cache
def of_machine(home: Path) -> Tools:
    """The tools of this machine, those in a home folder included."""
    folders = [
        path.resolve()
        for pattern in HOMES
        for path in sorted(home.glob(pattern), reverse=True)
        if (path / "bin").is_dir()
    ]
    own = [str(folder) for folder in folders if not _shown_already(folder)]
    usual = search_path()
    return Tools(tuple(own), ":".join([usual, *(f"{folder}/bin" for folder in own)]))


def _shown_already(folder: Path) -> bool:
    return folder.is_relative_to("/usr") or folder.is_relative_to("/opt")


@functools.cache
def _version(path: str) -> str:
    name = Path(path).name
    try:
        asked = subprocess.run(
            [path, *ASKED.get(name, ("--version",))],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_ANSWER,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (asked.stdout or asked.stderr).splitlines()
    found = VERSION.search(re.sub(r"\([^)]*\)", "", lines[0])) if lines else None
    return found[0] if found else ""
