"""The errors a user can meet: each says what, where, and what to do now."""

from __future__ import annotations

import enum
import errno


class ExitStatus(enum.IntEnum):
    """What the `echolab` command's exit status means."""

    PASS = 0
    FAIL = 1
    BAD_INPUT = 2
    INCONCLUSIVE = 3
    CANNOT = 4


class EcholabError(Exception):
    """An expected failure: `message` says what and where, `remedy` what to do now.

    `printed` is what the scenario's script had printed until then.
    """

    status = ExitStatus.CANNOT
    printed = ""

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
    """This machine cannot do it, or what the lab runs on has failed."""

    status = ExitStatus.CANNOT


def unexpected(error: BaseException) -> CannotRun:
    """The error to report for an exception that nothing expects: a bug in echolab.

    It names the last line of echolab that the exception passed through.
    """
    import traceback  # slow to import, and only needed if something is wrong

    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return CannotRun(f"cannot write: {error.strerror}", "free some space")
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/echolab/" in frame.filename] or frames
    place = "/".join(ours[-1].filename.split("/")[-2:]) if ours else "unknown"
    line = ours[-1].lineno if ours else 0
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return CannotRun(
        f"an unexpected error in {place}, line {line}: {said}",
        "report it with the traceback that ECHOLAB_TRACEBACK=1 shows",
    )
