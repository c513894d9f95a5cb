"""Progress on a terminal: what is being done, on one line that changes."""

from __future__ import annotations

import shutil
from typing import TextIO


class Teller:
    """Shows progress on a stream: one line that changes on a terminal, else lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = self._stream.isatty()
        self._shown = ""

    def __call__(self, line: str) -> None:
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\033[K{line[:width]}")
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
