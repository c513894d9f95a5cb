"""Programs in many languages that talk over a network, and servers; how to make and start each.

Each prints everything that depends on chance and time: random numbers by all means of its language,
clocks, the order of its threads and hash tables, addresses. Their sources, and the scenario that
makes them talk, are in `benchmarks/programs`.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from echolab.engines.namespaces.network import find_tool
from echolab.job import Job
from echolab.runs import catalogue
from echolab.scenario import script
from echolab.schedule import parse

SOURCES = Path("benchmarks", "programs")


@dataclasses.dataclass(frozen=True)
class Language:
    """A program: its source, the words that make it, if any, and those that start it.

    In both `SOURCE` stands for the source and `FOLDER` for the folder of what was made.
    """

    source: str
    start: Sequence[str]
    make: Sequence[str] = ()

    def lacks(self) -> str:
        """The first program that it needs and that this machine lacks; empty if there is none."""
        tools = [words[0] for words in (self.make, self.start) if words and "/" not in words[0]]
        return next((tool for tool in tools if not shutil.which(tool)), "")


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as Debian packages it: its program, and its example's parameters and fault."""

    program: str
    parameters: Mapping[str, str]
    fault: str

    def lacks(self) -> str:
        """The program if this machine lacks it, otherwise empty."""
        return "" if find_tool(self.program) else self.program


JAVA = ("javac", "-d", "FOLDER", "SOURCE")

LANGUAGES: Mapping[str, Language] = {
    "go": Language("talk.go", ["FOLDER/go"], ["go", "build", "-o", "FOLDER/go", "SOURCE"]),
    "java": Language("Talk.java", ["java", "-cp", "FOLDER", "Talk"], JAVA),
    "java -Xint": Language("Talk.java", ["java", "-Xint", "-cp", "FOLDER", "Talk"], JAVA),
    "node": Language("talk.js", ["node", "SOURCE"]),
    "c++": Language(
        "talk.cpp", ["FOLDER/c++"], ["g++", "-O1", "-pthread", "-o", "FOLDER/c++", "SOURCE"]
    ),
    "rust": Language("talk.rs", ["FOLDER/rust"], ["rustc", "-O", "-o", "FOLDER/rust", "SOURCE"]),
    "python, threads": Language("talk_threads.py", ["python3", "SOURCE"]),
    "python, asyncio": Language("talk_asyncio.py", ["python3", "SOURCE"]),
}


def talk(name: str, seed: int, root: Path, shown: Path) -> Job:
    """The job in which the program of that name talks.

    `root` is the project's folder; the program is made in the folder `shown`, which every host
    sees.
    """
    language = LANGUAGES[name]
    if not shown.exists():
        shutil.copytree(root / SOURCES, shown)
    places = {"SOURCE": str(shown / language.source), "FOLDER": str(shown)}
    if language.make:
        cache = {"GOCACHE": str(shown / "go-cache"), "GO111MODULE": "off"}
        words = _placed(language.make, places)
        subprocess.run(words, check=True, env={**os.environ, **cache}, timeout=300)
    parameters = {"words": " ".join(_placed(language.start, places))}
    made = _job(root / SOURCES / "talk.py", "talk", parameters, seed)
    return dataclasses.replace(made, folders=(*made.folders, str(shown)))


SERVERS: Mapping[str, Server] = {
    "redis": Server("redis-server", {"operations": "4"}, "partition a, near at 0.5 for 3"),
    "etcd": Server("etcd", {"operations": "5"}, "partition a at 0.5 for 2"),
    "mosquitto": Server("mosquitto", {"messages": "80"}, "partition subscriber at 1 for 7"),
}
"""Servers of `examples/`: replication and failover, three nodes, a broker and its clients."""


def serve(name: str, server: Server, seed: int, root: Path) -> Job:
    """The job of the example of that name, in which a server's fault befalls it."""
    job = _job(root / "examples" / f"{name}.py", name, server.parameters, seed)
    return dataclasses.replace(job, schedule=(parse(server.fault),))


def _job(path: Path, name: str, parameters: Mapping[str, str], seed: int) -> Job:
    entry = catalogue.Entry(script.find(path, name), path)
    hosts = catalogue.topology(catalogue.compose_file(entry, None))
    return catalogue.job(entry, hosts, parameters, seed, capture=True)


def _placed(words: Sequence[str], places: Mapping[str, str]) -> list[str]:
    placed = list(words)
    for name, place in places.items():
        placed = [word.replace(name, place) for word in placed]
    return placed
