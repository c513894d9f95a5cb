"""Standard output and standard error as the command line writes to them, in any state.

If an encoding lacks a character, a similar one is shown. A stream that was closed before the
command started becomes a pipe that nobody reads, so that both cases end in `OutputClosed`.
"""

from __future__ import annotations

import codecs
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from echolab.errors import CannotRun

SIMILAR = {
    "✔": "+",
    "✘": "x",
    "✗": "x",
    "·": ".",
    "→": "->",
    "←": "<-",
    "–": "-",
    "—": "-",
    "─": "-",
    "│": "|",
    "…": "...",
    "„": '"',
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "µ": "u",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "Ä": "Ae",
    "Ö": "Oe",
    "Ü": "Ue",
    "ß": "ss",
}
"""Replacements for characters that an encoding lacks; "?" replaces any other."""

ERRORS = "echolab.similar"
"""The name of `similar` as an error handler of codecs."""


LONGEST = 120
"""The width in characters of a progress line if no terminal reports its width."""

SHORTEST = 8
"""The smallest width in characters of a progress line, however narrow the terminal is."""

PAGE, USUAL, NARROWEST = 150, 80, 40
"""Columns if there is no terminal, columns if a terminal does not tell, and the fewest of any."""

EVERY = 10.0
"""Seconds between two lines of progress where each stays, for example in a file."""

COLOURS = {"✔": "32", "✘": "31", "✗": "31", "?": "33", "!": "33", "echolab:": "1;31"}
"""The colour of each mark (console_codes(4)); it adds to the mark and means nothing by itself."""

MARKS = re.compile(r"(?<!\dm)[✔✘✗]|^[ ]*[?!](?= )|^echolab:", re.MULTILINE)
"""The marks of a text: "?" and "!" are marks only at the beginning of a line."""

HEAD = re.compile(r" *[^ ]+(?: [^ ]+)?:? {2,}(?=[^ ])")
"""The beginning of a line whose text continues below its own beginning."""

CODES = re.compile(r"\033\[[0-9;]*m|\033\]8;;.*?\033\\")
"""What a terminal obeys instead of showing it: colours and links."""


class OutputClosed(Exception):
    """Nobody reads the output any more, so the command must end silently."""


def similar(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that cannot be encoded (see codecs.register_error)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(SIMILAR.get(sign, "?") for sign in signs), error.end


def prepare(stream: TextIO | None, descriptor: int) -> TextIO:
    """The standard stream with that descriptor, able to take any text; None is a closed one."""
    codecs.register_error(ERRORS, similar)
    if stream is None:
        _break(descriptor)
        stream = open(descriptor, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors=ERRORS)
    return stream


def _break(descriptor: int) -> None:
    """Make a closed descriptor a pipe that nobody reads; other files must not take its place."""
    reading, writing = os.pipe()
    os.dup2(writing, descriptor)
    os.set_inheritable(descriptor, True)
    for end in {reading, writing} - {descriptor}:
        os.close(end)


def write(stream: TextIO, text: str) -> None:
    """Write text and flush it. Raises OutputClosed, and CannotRun if a disk is full."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        raise OutputClosed from None
    except OSError as error:
        silence(stream)
        raise CannotRun(f"cannot write the output: {error.strerror}", "free some space") from None


def escaped(document: str, stream: TextIO) -> str:
    """A JSON document for a stream: with escapes where its encoding lacks a character."""
    try:
        document.encode(stream.encoding)
    except UnicodeEncodeError:
        import json

        return json.dumps(json.loads(document), indent=1)
    return document


def silence(stream: TextIO) -> None:
    """Drop what could not be written, which the interpreter would try to write at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def painted(text: str) -> str:
    """A text with its marks in colour."""

    def paint(found: re.Match[str]) -> str:
        mark = found[0].lstrip()
        return f"{found[0][: -len(mark)]}\033[{COLOURS[mark]}m{mark}\033[0m"

    return MARKS.sub(paint, text)


def fitted(text: str, width: int) -> str:
    """A text whose long lines continue below, indented, after a word.

    A word that is longer than a line stays whole: the terminal breaks it, and it can be copied.
    """
    return "\n".join(line for long in text.split("\n") for line in _fitted(long, width))


def _fitted(line: str, width: int) -> Iterator[str]:
    if shown_length(line) <= width:
        yield line
        return
    head = HEAD.match(CODES.sub("", line))
    indent = len(line) - len(line.lstrip(" "))
    below = " " * min(head.end() if head else indent + 4, width // 3)
    so_far = ""
    for word in re.findall(r" *[^ ]+", line):
        if so_far.strip() and shown_length(so_far + word) > width:
            yield so_far
            so_far = below + word.lstrip(" ")
        else:
            so_far += word
    yield so_far


def shown_length(text: str) -> int:
    """The letters of a text that a terminal shows."""
    return len(CODES.sub("", text))


def link(text: str, target: str) -> str:
    """A text that terminals open: OSC 8, which terminals that do not know it ignore."""
    return f"\033]8;;{target}\033\\{text}\033]8;;\033\\"


class Screen:
    """What a stream can show. `stream` is asked for each time, since tests and `prepare` change it.

    `environment` is the user's: TERM, COLUMNS and NO_COLOR, which is used as https://no-color.org
    says: it counts if it exists and is not empty.
    """

    def __init__(self, stream: Callable[[], TextIO], environment: Mapping[str, str]) -> None:
        self.stream = stream
        self._environment = environment

    def moves(self) -> bool:
        """Whether it is a terminal that does more than print lines."""
        return self.stream().isatty() and self._environment.get("TERM") != "dumb"

    def colour(self) -> bool:
        """Whether it is a terminal that has colours, and whose user wants them."""
        return self.moves() and not self._environment.get("NO_COLOR")

    def width(self) -> int:
        """How many columns a table may have: a terminal's, or those of a wide page."""
        stream = self.stream()
        if not stream.isatty():
            return PAGE
        try:
            columns = int(self._environment.get("COLUMNS") or 0)
            columns = columns or os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        return max(columns or USUAL, NARROWEST)

    def ready(self, text: str) -> str:
        """A text as it is shown here: fitted to a terminal, its marks in colour."""
        if self.stream().isatty():
            text = fitted(text, self.width())
        return painted(text) if self.colour() else text

    def path(self, path: Path) -> str:
        """A path as short as possible, which a terminal with links opens."""
        short = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return link(str(short), path.resolve().as_uri()) if self.colour() else str(short)


class ProgressLine:
    """Shows progress on a screen: on a terminal one line that changes, elsewhere some lines.

    A line that is repeated is shown with the seconds since it was first given.
    """

    def __init__(self, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = screen.stream
        self._terminal = screen.moves
        self._clock = clock
        self._lock = threading.RLock()
        self._said = ""
        self._since = 0.0
        self._shown = ""
        self._next = 0.0

    def __call__(self, line: str) -> None:
        with self._lock:
            now = self._clock()
            if line != self._said:
                self._said, self._since = line, now
            terminal = self._terminal()
            width = shutil.get_terminal_size().columns - 1 if terminal else LONGEST
            passed = now - self._since
            told = f" ({passed:.0f} s)" if passed >= 1 else ""
            text = _short(line, max(width, SHORTEST) - len(told)) + told
            if terminal:
                self._over(text)
            elif text != self._shown and now >= self._next:
                write(self._stream(), f"{text}\n")
                self._shown, self._next = text, now + EVERY

    def clear(self) -> None:
        """Erase the changing line before something else is printed."""
        with self._lock:
            if self._shown and self._terminal():
                self._over("")
                write(self._stream(), "\r")
            self._said = ""

    def _over(self, text: str) -> None:
        """Write over the changing line: with spaces, which every terminal understands."""
        write(self._stream(), f"\r{text}{' ' * (len(self._shown) - len(text))}")
        self._shown = text


def _short(line: str, width: int) -> str:
    """The text on one line, cut if it is too long; a program's source has many lines."""
    text = " ".join(line[: 4 * width].split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
