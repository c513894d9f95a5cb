"""Output that cannot show a sign, that is closed, or that is full: no traceback, no hang."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab import output
from echolab.errors import CannotRun
from echolab.resources import ROOT

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = {"PYTHONIOENCODING": "ISO-8859-1"}

CHEAP = [
    ("--help",),
    ("run", "--help"),
    ("list",),
    ("doctor",),
    ("report", "kept"),
    ("report", "kept", "--text"),
]

WRONG = [("run", "lots"), ("rum",), ("report", "none"), ("check", "1", "none"), ("grade", "1", "n")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which there is a run to report on."""
    made = tmp_path_factory.mktemp("lab")
    kept = made / "runs" / "kept"
    kept.mkdir(parents=True)
    record = (ROOT / "tests/record/recorded/format-1-exact.json").read_text(encoding="utf-8")
    (kept / "record.json").write_text(record, encoding="utf-8")
    return made


def echolab(
    folder: Path,
    words: Sequence[str],
    redirected: str = "",
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run a command by a shell, which can close and redirect streams."""
    shell = f'"$@" {redirected}'
    return subprocess.run(
        ["bash", "-c", shell, "bash", sys.executable, "-m", "echolab", *words],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            **(environment or {}),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        pass_fds=pass_fds,
    )


@pytest.fixture
def unread() -> Iterator[int]:
    """The descriptor of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("environment", [ASCII, LATIN], ids=["ascii", "latin"])
@pytest.mark.parametrize("words", [*CHEAP, *WRONG], ids=" ".join)
def test_what_an_encoding_lacks_is_replaced(
    words: tuple[str, ...], environment: dict[str, str], folder: Path
) -> None:
    done = echolab(folder, words, environment=environment)
    assert done.returncode in ((2,) if words in WRONG else (0, 4))
    assert b"unexpected error" not in done.stderr and b"Traceback" not in done.stderr
    text = done.stdout + done.stderr
    assert text and (environment is LATIN or text.isascii())


@pytest.mark.parametrize("words", CHEAP, ids=" ".join)
@pytest.mark.parametrize("redirected", [">&-", ">&- 2>&- <&-", ">&{unread}"])
def test_output_that_nobody_reads_ends_in_silence_and_status_141(
    redirected: str, words: tuple[str, ...], folder: Path, unread: int
) -> None:
    done = echolab(folder, words, redirected.format(unread=unread), pass_fds=[unread])
    assert (done.returncode, done.stdout, done.stderr) == (141, b"", b"")


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
@pytest.mark.parametrize("redirected", ["2>&-", "2>&- <&-", "2>&{unread}"])
def test_errors_that_nobody_reads_end_in_silence_and_status_141(
    redirected: str, words: tuple[str, ...], folder: Path, unread: int
) -> None:
    done = echolab(folder, words, redirected.format(unread=unread), pass_fds=[unread])
    assert (done.returncode, done.stdout, done.stderr) == (141, b"", b"")


@pytest.mark.parametrize("words", CHEAP, ids=" ".join)
def test_output_to_a_full_disk_is_one_line_and_status_4(
    words: tuple[str, ...], folder: Path
) -> None:
    done = echolab(folder, words, ">/dev/full")
    assert done.returncode == 4 and done.stderr.count(b"\n") == 1
    assert b"No space left on device" in done.stderr


def test_errors_to_a_full_disk_are_status_4(folder: Path) -> None:
    assert echolab(folder, ("rum",), "2>/dev/full").returncode == 4


@pytest.mark.parametrize("columns", ["0", "1", "x"])
@pytest.mark.parametrize("words", [("--help",), ("report", "kept", "--text")], ids=" ".join)
def test_a_narrow_terminal_is_no_error(words: tuple[str, ...], columns: str, folder: Path) -> None:
    done = echolab(folder, words, environment={"COLUMNS": columns, "TERM": "dumb"})
    assert (done.returncode, done.stderr) == (0, b"")


def test_signs_have_something_similar_in_their_place() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    output.write(output.prepare(stream, 1), "✔ „für“ 5 µs → \udcff")
    assert stream.buffer.getvalue() == b'+ "fuer" 5 us -> ?'


def test_json_has_escapes_for_what_an_encoding_lacks() -> None:
    document = {"sentence": "„für“", "mark": "✔"}
    for encoding in ("ascii", "latin-1", "utf-8"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        text = output.escaped(json.dumps(document, ensure_ascii=False), stream)
        assert json.loads(text.encode(encoding).decode(encoding)) == document
        assert ("„" in text) == (encoding == "utf-8")


def test_a_full_disk_and_a_pipe_that_nobody_reads_are_told_apart() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(output.OutputClosed), open(writing, "w", closefd=False) as stream:
        try:
            output.write(stream, "x")
        finally:
            output.silence(stream)
    os.close(writing)
    with Path("/dev/full").open("w") as full, pytest.raises(CannotRun, match="No space left"):
        output.write(full, "x")


class Terminal(io.StringIO):
    """What a terminal has been sent."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def progress(stream: io.StringIO, clock: Clock) -> output.ProgressLine:
    return output.ProgressLine(output.Screen(lambda: stream, {}), clock)


def test_progress_is_one_line_that_changes_on_a_terminal_without_any_escape_code() -> None:
    stream = Terminal()
    tell = progress(stream, Clock())
    tell("the first")
    tell("second")
    tell.clear()
    assert stream.getvalue() == f"\rthe first\rsecond   \r{' ' * 6}\r"


def test_progress_that_is_said_again_tells_for_how_long() -> None:
    stream, clock = Terminal(), Clock()
    tell = progress(stream, clock)
    tell("waiting")
    clock.now = 12.2
    tell("waiting")
    assert stream.getvalue() == "\rwaiting\rwaiting (12 s)"


def test_progress_elsewhere_is_a_line_every_ten_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    tell = progress(stream, clock)
    for second in range(31):
        clock.now = float(second)
        tell(f"{second} %")
    assert stream.getvalue() == "0 %\n10 %\n20 %\n30 %\n"


def test_a_line_of_progress_is_one_line_however_much_it_says() -> None:
    stream = io.StringIO()
    progress(stream, Clock())("x\n" * 200)
    assert stream.getvalue() == f"{'x ' * 59}x…\n"


def test_marks_have_colours_that_add_to_them() -> None:
    assert output.painted("✔ a\n  ✘ b\nc? ! d") == (
        "\033[32m✔\033[0m a\n  \033[31m✘\033[0m b\nc? ! d"
    )
    assert output.painted("  ? not judged") == "  \033[33m?\033[0m not judged"


@given(
    text=st.text(alphabet="ab ✔\n", max_size=200),
    width=st.integers(10, 60),
)
def test_lines_are_fitted_without_breaking_or_losing_a_word(text: str, width: int) -> None:
    shown = output.fitted(text, width)
    assert shown.split() == text.split()
    for line in shown.split("\n"):
        assert len(line) <= width or len(line.split()) == 1


def test_colours_and_links_take_no_room() -> None:
    linked = output.link("page", "file:///tmp/page")
    assert output.shown_length(f"\033[32m✔\033[0m {linked}") == len("✔ page")
