"""Shows the lines that a Python program executes among its system calls.

Python imports a module of this name before any program (see `site` in its documentation), but here
only where a run is repeated to explain why it hung (echolab/engines/exact/spinning.py). At first
and then from time to time the program looks for a file that does not exist, whose name is the
line. strace(1) shows that.
"""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType
from typing import Any

FIRST = 2000
"""So many lines are all shown: a loop of one instruction executes no other."""

EVERY = 1 << 14
"""Lines, calls and returns from one that is shown to the next: some milliseconds."""

MARK = "/line"
"""How the name of such a file begins; the line's number and its program's file follow."""

IMPORTING = "<frozen importlib"
"""How the names of what imports modules begin: it says nothing of the program."""

_seen = 0


def _line(frame: FrameType, _event: str, _argument: Any) -> Any:
    global _seen
    file = frame.f_code.co_filename
    if file.startswith(IMPORTING):
        return None
    _seen += 1
    if _seen <= FIRST or not _seen % EVERY:
        os.access(f"{MARK} {frame.f_lineno} of {file}", os.F_OK)
    return _line


if __name__ == "sitecustomize":  # as Python imports it, and nobody else
    threading.settrace(_line)
    sys.settrace(_line)
