"""Commands on real terminals (pty(7)) of 60, 80 and 100 columns, with and without colours."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from echolab import output
from echolab.resources import ROOT

ESCAPE = "\033"


def on_terminal(
    words: Sequence[str], columns: int, cwd: Path, environment: Mapping[str, str] | None = None
) -> str:
    """What a terminal of that width got from a command."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    got = bytearray()

    def read() -> None:
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                return
            got.extend(piece)

    inherited = {name: os.environ[name] for name in ("PATH", "HOME")}
    process = subprocess.Popen(
        [sys.executable, "-m", "echolab", *words],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), "TERM": "xterm", **(environment or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    process.wait(timeout=120)
    reader.join(timeout=10)
    os.close(ours)
    return got.decode()


def lines(shown: str) -> list[str]:
    """The lines that a terminal shows at the end: what was written over is gone."""
    return [line.rpartition("\r")[2] for line in shown.replace("\r\n", "\n").split("\n")]


COMMANDS = [
    ("list",),
    ("list", "nagle"),
    ("doctor",),
    ("report", "kept", "--text"),
    ("run", "lots"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kept = tmp_path / "runs" / "kept"
    kept.mkdir(parents=True)
    record = (ROOT / "tests/record/recorded/format-1-exact.json").read_text(encoding="utf-8")
    (kept / "record.json").write_text(record, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(
    words: tuple[str, ...], columns: int, folder: Path
) -> None:
    for line in lines(on_terminal(words, columns, folder)):
        length = output.shown_length(line)
        assert length <= columns or len(line.split()) == 1, line


@pytest.mark.parametrize(
    "environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"]
)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_who_wants_no_colour_gets_no_escape_code(
    words: tuple[str, ...], environment: dict[str, str], folder: Path
) -> None:
    assert ESCAPE not in on_terminal(words, 80, folder, environment)


def test_marks_and_errors_have_colours_on_a_terminal(folder: Path) -> None:
    assert f"{ESCAPE}[32m✔{ESCAPE}[0m" in on_terminal(("doctor",), 80, folder)
    assert f"{ESCAPE}[1;31mecholab:{ESCAPE}[0m" in on_terminal(("run", "lots"), 80, folder)


SCRIPT = '''
"""A scenario that only speaks."""

from echolab import Lab, scenario


@scenario(sentence="Ein Satz, der in einer Zeile steht", then="run loss --set loss=30%")
def mine(lab: Lab) -> None:
    print("the script's own words")
    lab.expect("a claim that is so long that it needs more than a line of a terminal" * 2, True)
    lab.conclude(True, "what was seen in a sentence")
'''


@pytest.mark.exact
@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_run_ends_in_its_verdict_its_page_and_what_to_try_next(
    columns: int, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(SCRIPT, encoding="utf-8")
    shown = on_terminal(("run", "mine.py", "--engine", "exact", "--seed", "1"), columns, tmp_path)
    told = [line for line in lines(shown) if line.strip()]
    assert "the script's own words" in told
    for line in told:
        assert output.shown_length(line) <= columns or "report.html" in line, line
    assert told[-4].strip() == "„Ein Satz, der in einer Zeile steht“"
    assert output.CODES.sub("", told[-3]).strip() == "holds: what was seen in a sentence"
    page = next((tmp_path / "runs").glob("*-mine-exact/report.html"))
    assert output.link(str(page.relative_to(tmp_path)), page.as_uri()) in told[-2]
    assert told[-1].strip() == "next: ./lab run loss --set loss=30%"
