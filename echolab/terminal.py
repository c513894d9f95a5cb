"""Progress on a terminal: what is being done, on one line that changes."""

from __future__ import annotations

import shutil
from typing import TextIO

LONGEST = 120
"""Characters of a line of progress where no terminal says how wide it is."""


class Teller:
    """Shows progress on a stream: one line that changes on a terminal, else lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = self._stream.isatty()
        self._shown = ""

    def __call__(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1 if self._terminal else LONGEST
        line = _short(line, width)
        if self._terminal:
            self._stream.write(f"\r\033[K{line}")
        elif line != self._shown:
            self._stream.write(f"{line}\n")
        self._shown = line
        self._stream.flush()

    def clear(self) -> None:
        """Take the changing line away before something else is printed."""
        if self._terminal and self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()
        self._shown = ""


def _short(line: str, width: int) -> str:
    """The text on one line, cut where it is longer; a program's source has many lines."""
    text = " ".join(line[: 4 * width].split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
