"""The errors a user can meet: each says what, where, and what to do now."""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """What the `echolab` command's exit status means."""

    PASS = 0
    FAIL = 1
    BAD_INPUT = 2
    INCONCLUSIVE = 3
    CANNOT = 4


class EcholabError(Exception):
    """An expected failure: `message` says what and where, `remedy` what to do now."""

    status = ExitStatus.CANNOT

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class BadInput(EcholabError):
    """What the user gave cannot be used: an option, a name, a file, a parameter."""

    status = ExitStatus.BAD_INPUT


class ScriptError(BadInput):
    """A user's own script failed: `trace` holds the lines of that script alone."""

    def __init__(self, message: str, remedy: str = "", trace: str = "") -> None:
        super().__init__(message, remedy)
        self.trace = trace


class CannotRun(EcholabError):
    """This machine cannot do it, or what ran the lab broke down underneath it."""

    status = ExitStatus.CANNOT
