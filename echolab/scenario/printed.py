"""What a scenario's script prints: kept for the record, and out of the way of `--json`."""

from __future__ import annotations

import contextlib
import io
from types import TracebackType
from typing import Final

from echolab.errors import EcholabError

MOST: Final = 1 << 20
"""The most characters that are kept of a script's output."""

CUT: Final = f"\n[echolab kept the first {MOST} characters of what the script printed]\n"


class Printed(io.StringIO):
    """Within it, standard output is captured here, with `errors` standard error too.

    An expected error that passes through carries the text along (`EcholabError.printed`).
    """

    def __init__(self, *, errors: bool) -> None:
        super().__init__()
        self._errors = errors
        self._cut = False
        self._undo = contextlib.ExitStack()

    def write(self, text: str) -> int:
        """Keep a text, as far as there is room."""
        room = MOST - self.tell()
        super().write(text[:room])
        self._cut = self._cut or len(text) > room
        return len(text)

    def text(self) -> str:
        """What was printed so far."""
        return self.getvalue() + (CUT if self._cut else "")

    def __enter__(self) -> Printed:
        self._undo.enter_context(contextlib.redirect_stdout(self))
        if self._errors:
            self._undo.enter_context(contextlib.redirect_stderr(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()
        if isinstance(error, EcholabError):
            error.printed = self.text()
