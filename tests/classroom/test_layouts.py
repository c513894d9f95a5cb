"""What people hand in is found, built and run, whatever its layout and its names."""

from __future__ import annotations

import dataclasses
import os
import shutil
import unicodedata
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest

from echolab.classroom import check, toolchains
from echolab.classroom.check import CheckRequest
from echolab.classroom.verdict import CheckResult, Verdict
from echolab.errors import BadInput

Submit = Callable[[CheckRequest], "Future[CheckResult]"]

SERVERS = Path(__file__).parent.parent / "exercises" / "02-stream-server"

PY = (SERVERS / "reference-py/main.py").read_text(encoding="utf-8")

C = (SERVERS / "reference-c/main.c").read_text(encoding="utf-8")

CPP = C.replace("= { 0 }", "= {}")

NODE = """net.createServer((one) => {
  one.on("error", () => {});
  one.pipe(one);
}).listen(Number(process.argv[2]));
"""

JAVA = """import java.io.*;
import java.net.*;

public class Main {
    public static void main(String[] words) throws IOException {
        try (ServerSocket listening = new ServerSocket(Integer.parseInt(words[0]))) {
            while (true) {
                try (Socket one = listening.accept()) {
                    one.getInputStream().transferTo(one.getOutputStream());
                } catch (IOException error) {
                    System.err.println(error);
                }
            }
        }
    }
}
"""

GO = """package main

import (
	"io"
	"net"
	"os"
)

func main() {
	listening, err := net.Listen("tcp", ":"+os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	for {
		if one, err := listening.Accept(); err == nil {
			io.Copy(one, one)
			one.Close()
		}
	}
}
"""

RUST = """use std::io::copy;
use std::net::TcpListener;

fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    for one in TcpListener::bind(("0.0.0.0", port)).unwrap().incoming().flatten() {
        let _ = copy(&mut &one, &mut &one);
    }
}
"""

CARGO = '[package]\nname = "echo"\nversion = "0.1.0"\nedition = "2021"\n'

POM = "<project><artifactId>echo</artifactId></project>\n"

READS = PY.replace("import socket\n", 'import socket\nopen("beside.txt").read()\n', 1)

LOGS = PY.replace("import socket\n", 'import socket\nprint("up", file=open("log", "a"))\n', 1)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Files by name; those of `runs` have their run bit; `needs` is a tool."""

    files: Mapping[str, str | bytes]
    runs: tuple[str, ...] = ()
    needs: str = ""
    links: Mapping[str, str] = dataclasses.field(default_factory=dict)


GREEN = "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n"

LAYOUTS = {
    "python in src": Layout({"src/main.py": PY, "README.md": "read me"}),
    "a python package": Layout({"echo/__init__.py": "", "echo/__main__.py": PY}),
    "a python package in src": Layout({"src/echo/__main__.py": PY, "setup.cfg": ""}),
    "a file beside the program is opened": Layout({"main.py": READS, "beside.txt": "x"}),
    "a file beside the program in src": Layout({"src/main.py": READS, "src/beside.txt": "x"}),
    "the program writes a log": Layout({"main.py": LOGS}),
    "run starts a file beside it": Layout(
        {"run": '#!/bin/sh\nexec python3 server.py "$@"\n', "server.py": PY}, runs=("run",)
    ),
    "run as Windows leaves it": Layout(
        {"run": '#!/bin/sh\r\nexec python3 server.py "$@"\r\n', "server.py": PY}
    ),
    "run in UTF-16": Layout(
        {"run": '#!/bin/sh\nexec python3 main.py "$@"\n'.encode("utf-16"), "main.py": PY}
    ),
    "a byte order mark in python": Layout({"main.py": PY.encode("utf-8-sig")}),
    "python in UTF-16": Layout({"main.py": PY.encode("utf-16")}),
    "one folder too deep, beside a note": Layout(
        {"exercise2/main.py": "import util\n" + PY, "exercise2/util.py": "", "notes.txt": "late"}
    ),
    "two folders too deep": Layout({"Abgabe/ex 2/main.py": PY, "__MACOSX/._main.py": "\0"}),
    "a server beside a client": Layout({"server.py": PY, "client.py": "raise SystemExit(1)\n"}),
    "an echo server beside a client": Layout({"EchoServer.py": PY, "echo_client.py": "1 / 0\n"}),
    "a module that the other imports": Layout(
        {"start_here.py": "import serving\n", "serving.py": PY}
    ),
    "a link that Git wrote as text": Layout({"main.py": "real.txt", "real.txt": PY}),
    "a link": Layout({"real/echo.py": PY}, links={"main.py": "real/echo.py"}),
    "umlauts in the other form": Layout(
        {
            "main.py": READS.replace("beside", GREEN),
            unicodedata.normalize("NFD", f"{GREEN}.txt"): "x",
        }
    ),
    "C in src": Layout({"src/main.c": C}),
    "C with a header in include": Layout(
        {"main.c": '#include "own.h"\n' + C, "include/own.h": "\n"}
    ),
    "two C programs side by side": Layout(
        {"server.c": C, "client.c": "int main(void) { return 0; }\n"}
    ),
    "C files with one main among them": Layout(
        {"echo.c": "void used(void);\n" + C, "net.c": "void used(void) { }\n"}
    ),
    "a byte order mark in C": Layout({"main.c": C.encode("utf-8-sig")}),
    "C++ with a plot in Python": Layout({"main.cpp": CPP, "plot.py": "print(1)\n"}, needs="g++"),
    "C++ called cc": Layout({"server.cc": CPP}, needs="g++"),
    "make makes server": Layout(
        {"Makefile": "all: server\n\nserver: server.c\n\tgcc -o server server.c\n", "server.c": C},
        needs="make",
    ),
    "a Makefile from Windows": Layout(
        {"Makefile": "main: a.c\r\n\tgcc -o main a.c\r\n", "a.c": C}, needs="make"
    ),
    "a build of thirty million bytes": Layout(
        {"Makefile": "main: a.c\n\tgcc -o main a.c\n\thead -c 30000000 /dev/urandom > data\n",
         "a.c": C},
        needs="make",
    ),
    "CMake": Layout(
        {
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(echo C)\n"
            "add_executable(echo echo.c)\n",
            "echo.c": C,
        },
    ),
    "index.js": Layout(
        {"index.js": 'const net = require("./lib");\n' + NODE, "lib.js": 'module.exports = '
         'require("net");\n', "package.json": '{"name": "x", "main": "index.js"}'},
        needs="node",
    ),
    "npm start": Layout(
        {"app/echo.mjs": 'import net from "net";\n' + NODE,
         "package.json": '{"scripts": {"start": "node app/echo.mjs"}}'},
        needs="node",
    ),
    "a Java package": Layout({"Main.java": "package echo;\n" + JAVA}, needs="javac"),
    "two Java classes": Layout(
        {"EchoServer.java": JAVA.replace("Main", "EchoServer"), "Helper.java": "class Helper { }"},
        needs="javac",
    ),
    "Java from Windows": Layout(
        {"Main.java": b"\xef\xbb\xbf" + JAVA.encode(),
         "A.java": b"class A { String a = \"\xe4\"; }"},
        needs="javac",
    ),
    "Maven": Layout(
        {"pom.xml": POM, "src/main/java/echo/Main.java": "package echo;\n" + JAVA}, needs="javac"
    ),
    "Gradle": Layout(
        {"build.gradle": "plugins { id 'java' }\n", "src/main/java/Main.java": JAVA}, needs="javac"
    ),
    "Rust": Layout({"main.rs": RUST}, needs="rustc"),
    "Cargo": Layout({"Cargo.toml": CARGO, "src/main.rs": RUST}, needs="cargo"),
    "Go": Layout({"server.go": GO}, needs="go"),
    "a Go module": Layout({"go.mod": "module echo\n\ngo 1.19\n", "main.go": GO}, needs="go"),
    "a name that is not UTF-8": Layout({os.fsdecode(b"ausgabe\xe4.txt"): "x", "main.py": PY}),
    "a name of 250 bytes": Layout({f"{'x' * 247}.py": PY}),
}  # fmt: skip

AMBIGUOUS = {
    "two languages": ({"main.py": PY, "main.c": C}, "main.c, main.py is the program"),
    "two servers": ({"a.py": PY, "b.py": PY}, "a.py, b.py is the program"),
    "two projects": ({"Cargo.toml": CARGO, "go.mod": ""}, "Cargo.toml, go.mod is for"),
    "no program": ({"report.docx": ""}, "there is report.docx"),
    "two folders": ({"one/main.py": PY, "two/main.py": PY}, "one, two is the program"),
}


def put(layout: Layout, folder: Path) -> Path:
    """The files of a layout, in a new folder."""
    for name, text in layout.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o755 if name in layout.runs else 0o644)
    for name, target in layout.links.items():
        (folder / name).symlink_to(target)
    return folder


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory,
    submit: Submit,
    order_of: Callable[..., CheckRequest],
) -> dict[str, Future[CheckResult]]:
    top = tmp_path_factory.mktemp("layouts")
    found = {}
    for number, (name, layout) in enumerate(LAYOUTS.items()):
        if not layout.needs or toolchains.of_machine(Path.home()).has(layout.needs):
            folder = put(layout, top / str(number))
            found[name] = submit(order_of("2", str(folder), 1))
    return found


@pytest.mark.exact
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_with_one_reading_is_found_built_and_run(
    name: str, results: dict[str, Future[CheckResult]]
) -> None:
    if name not in results:
        pytest.skip(f"{LAYOUTS[name].needs} is not installed on this machine")
    (case,) = results[name].result().cases
    assert case.verdict == Verdict.PASSED, (case.seen, case.reason, case.output)


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_two_readings_or_none_are_told_with_what_is_there(name: str, tmp_path: Path) -> None:
    files, words = AMBIGUOUS[name]
    given = put(Layout(files), tmp_path / "given")
    (tmp_path / "work").mkdir()
    tools = toolchains.of_machine(Path.home())
    with pytest.raises(BadInput) as refusal:
        check.find(given, ("client",), tmp_path / "work", tools)
    assert words in refusal.value.message
    assert refusal.value.remedy


@pytest.mark.exact
def test_a_compiler_that_is_missing_is_not_the_submissions_fault(
    tmp_path: Path, submit: Submit, order_of: Callable[..., CheckRequest]
) -> None:
    """The program that make names is not there, in the words of make and of a shell."""
    absent = next(name for name in ("clang", "gradle", "npm", "mvn") if not shutil.which(name))
    files = {"Makefile": f"main: a.c\n\t{absent} -o main a.c\n", "a.c": C}
    result = submit(order_of("2", str(put(Layout(files), tmp_path / "given")), 1)).result()
    assert result.cases[0].verdict == Verdict.NOT_JUDGED
    assert f"this machine has no {absent}" in result.cases[0].reason
