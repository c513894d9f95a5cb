"""Shows at which line of a Python program it calls what makes a system call.

Python imports a module of this name before any program (see `site` in its documentation), but here
only where somebody follows a program's calls. Before such a call the program asks whether it may
read `/`, by a long name of `/` that spells the line: strace(1) shows that.

A call that succeeds costs no lab time, one that fails does (echolab/kernel/lab.c), and a name that
leads nowhere fails. This one leads to `/` whatever the program has closed, and whoever it is then.
"""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType
from typing import Any

NAMES = frozenset(
    (
        *("accept", "_accept", "bind", "close", "connect", "connect_ex", "listen", "shutdown"),
        *("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into"),
        *("send", "sendall", "sendfile", "sendmsg", "sendto", "setblocking"),
        *("getpeername", "getsockname", "getsockopt", "setsockopt"),
        *("acquire", "poll", "select", "sleep", "wait", "waitpid"),
        *("flush", "input", "print", "read", "readinto", "readline", "write"),
    )
)
"""Functions in C that make such calls."""

STEPS = ("./", ".//", ".///", ".////")
"""How a name of `/` goes on by two bits."""

LONGEST = 200
"""The most bytes that are spelled: a path has at most 4095 (PATH_MAX)."""

SHOWN = 2
"""How many of the last parts of a file's path are shown."""

_library = os.path.realpath(os.__file__).removesuffix("os.py")
_told: dict[int, tuple[str, int]] = {}


def spelled(line: int, file: str) -> str:
    """The name of `/` that spells a line of a file."""
    data = f"{line} {'/'.join(file.split('/')[-SHOWN:])}".encode(errors="replace")[:LONGEST]
    return "/" + "".join(STEPS[byte >> bits & 3] for byte in data for bits in (6, 4, 2, 0))


def read(name: str) -> tuple[int, str] | None:
    """The line and the file that a name of `/` spells; None if it spells none."""
    steps = [f".{slashes}" for slashes in name[1:].split(".")[1:]]
    if len(steps) % 4 or not steps or not set(steps) <= set(STEPS):
        return None
    bits = [STEPS.index(step) for step in steps]
    quads = zip(*[iter(bits)] * 4, strict=True)
    data = bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in quads)
    line, _, file = data.decode(errors="replace").partition(" ")
    return (int(line), file) if line.isdecimal() else None


def _is_own(file: str) -> bool:
    """Whether a file is the program's own: not one of Python's library, nor frozen in Python."""
    return not file.startswith((_library, "<frozen"))


def _call(frame: FrameType, event: str, argument: Any) -> None:
    if event != "c_call" or getattr(argument, "__name__", "") not in NAMES:
        return
    at: FrameType | None = frame
    while at is not None and not _is_own(at.f_code.co_filename):
        at = at.f_back
    if at is None:
        return
    place, thread = (at.f_code.co_filename, at.f_lineno), threading.get_ident()
    if _told.get(thread) != place:
        _told[thread] = place
        os.access(spelled(place[1], place[0]), os.R_OK)


def show() -> None:
    """Show the lines of this program from now on."""
    threading.setprofile(_call)
    sys.setprofile(_call)


if __name__ == "sitecustomize":  # as Python imports it, and nobody else
    show()
