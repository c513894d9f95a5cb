"""What a forked child does until it is the program that was asked for.

A module of `echo_app` runs in the interpreter that was forked, which costs a fifth of
starting another; anything else is executed. What fails before is told through a pipe.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import gc
import importlib
import importlib.machinery
import io
import os
import signal
import sys
import threading
import traceback
import types
from collections.abc import Mapping

from echolab.engines import sandbox
from echolab.engines.hosts import HostNamespaces
from echolab.engines.sandbox import Account, Limits

OWN_PACKAGE = "echo_app"

FAILED = 127

UNTOUCHED = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
"""The signals whose disposition a Python interpreter changes for itself."""

STRACE = (
    *("strace", "-f", "--absolute-timestamps=unix,ns", "--syscall-times=ns", "-s", "64", "-e"),
    "trace=%network,read,write,readv,writev,close,poll,ppoll,select,pselect6,epoll_wait,execve",
)
"""The calls that a lecture on sockets speaks of, and what a program waits with."""


@dataclasses.dataclass(frozen=True)
class Start:
    """What to start: `environment` is whole; `calls` is a file on the host for strace;
    `group` is the file by which one joins the host's control group, -1 where it has none.
    """

    host: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    workdir: str
    account: Account
    limits: Limits
    last_capability: int
    calls: str = ""
    group: int = -1

    def module(self) -> str:
        """The module of `echo_app` that this runs, empty where it is anything else."""
        own = (
            len(self.argv) > 2
            and self.argv[:2] == ("python3", "-m")
            and self.argv[2].startswith(f"{OWN_PACKAGE}.")
        )
        return self.argv[2] if own and not self.calls else ""

    def words(self) -> tuple[str, ...]:
        """The argument vector to execute."""
        return (*STRACE, "-o", self.calls, "--", *self.argv) if self.calls else self.argv


_codes: dict[str, types.CodeType] = {}


def prepare(module: str) -> None:
    """Import what a module imports and keep its code, so that its children need not.

    Raises ImportError where there is no such module.
    """
    if module in _codes:
        return
    loader = importlib.import_module(module).__loader__
    if not isinstance(loader, importlib.machinery.SourceFileLoader):
        raise ImportError(f"{module} is no file")
    code = loader.get_code(module)
    if code is None:
        raise ImportError(f"{module} has no code")
    _codes[module] = code
    gc.freeze()  # what the collector does not touch stays shared with the children


def become(start: Start, host: HostNamespaces, streams: tuple[int, int, int], failure: int) -> None:
    """Turn this child into the program; it never returns."""
    status = FAILED
    try:
        try:
            _settle(start, host, streams, failure)
            if not start.module():
                _execute(start)
            os.close(failure)
        except BaseException as error:
            number = (error.errno or 0) if isinstance(error, OSError) else 0
            os.write(failure, f"{number}\n{error}".encode())
        else:
            status = _run(start)
    finally:
        os._exit(status)


def _settle(
    start: Start, host: HostNamespaces, streams: tuple[int, int, int], failure: int
) -> None:
    """Be on the host, as its user, with nothing of the engine's open."""
    os.setsid()
    if start.group >= 0:
        os.write(start.group, b"0")
    host.enter()
    sandbox.add_proc()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(3, failure)
    os.closerange(failure + 1, os.sysconf("SC_OPEN_MAX"))
    os.umask(0o022)
    sandbox.limit(start.limits)
    sandbox.dies_first(sandbox.FIRST_TO_DIE)
    sandbox.confine(start.account, start.last_capability)
    os.chdir(start.workdir)


def _execute(start: Start) -> None:
    """Execute the program, with the signals as a shell would leave them."""
    for name in UNTOUCHED:
        signal.signal(name, signal.SIG_DFL)
    words = start.words()
    os.execvpe(words[0], words, dict(start.environment))  # noqa: S606 (no shell is wanted)


def _run(start: Start) -> int:
    """Run a module as `python3 -m` does and return its exit status."""
    module = start.module()
    os.environ.clear()
    os.environ.update(start.environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unbuffered = bool(start.environment.get("PYTHONUNBUFFERED"))
    sys.stdin = _text(0, "r")
    sys.stdout = _text(1, "w", unbuffered=unbuffered)
    sys.stderr = _text(2, "w", unbuffered=True)
    path = sys.modules[module].__file__ or module
    sys.argv = [path, *start.argv[3:]]
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __package__=OWN_PACKAGE, __spec__=None)
    sys.modules["__main__"] = main
    status = _status_of(_codes[module], main)
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]  # waits as an interpreter's end does
        atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    return status


def _text(descriptor: int, mode: str, *, unbuffered: bool = False) -> io.TextIOWrapper:
    raw = open(descriptor, f"{mode}b", closefd=False)  # noqa: SIM115 (a program's stream)
    return io.TextIOWrapper(raw, encoding="utf-8", line_buffering=unbuffered)


def _status_of(code: types.CodeType, main: types.ModuleType) -> int:
    """Run the code; the exit status as python3(1) makes it from SystemExit and errors."""
    try:
        exec(code, main.__dict__)  # noqa: S102 (a module of our own, as `python3 -m` runs it)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
