"""What a forked child does until it becomes the requested program.

A module of `echo_app` runs in the interpreter that was forked, which costs a fifth of starting
another one. So does a text that a scenario gives to `python3 -c` and that imports only `echo_app`
and the standard library. Anything else is executed, since an interpreter that starts draws random
numbers. Errors before that are reported through a pipe.
"""

from __future__ import annotations

import _ast
import atexit
import contextlib
import dataclasses
import errno
import functools
import gc
import importlib
import io
import os
import signal
import sys
import threading
import traceback
import types
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path

from echolab.engines import programs
from echolab.engines.namespaces import linux, sandbox
from echolab.engines.namespaces.hosts import HostNamespaces
from echolab.engines.namespaces.sandbox import Account, Limits

OWN_PACKAGE = "echo_app"

LINES = "echolab.engines.lines.sitecustomize"
"""What shows the lines of a program whose calls are followed, as Python would import it."""

TEXT = "-c\n"
"""How the name of a program that is a text begins; its text follows."""

ONLY_TREE = 0x400
"""PyCF_ONLY_AST of compile(); the module `ast` takes longer to import in the guest."""

OURS = ("echolab", "__main__", "__mp_main__")
"""Packages of the engine that a program must not find imported."""

USED = ("encodings.idna", "locale")
"""What nearly all of our programs import as they look up a name or read their options."""

FAILED = 127

UNTOUCHED = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
"""The signals whose disposition a Python interpreter changes for itself."""


@dataclasses.dataclass(frozen=True)
class Start:
    """What to start: `environment` is complete; `calls` is a file on the host for strace.

    `group` is the file that puts a process into the host's control group, -1 if there is none.
    `capabilities` are the numbers of those that root keeps; with `gaining`, a program with a
    set-user-ID bit becomes root. If it `owns_streams`, its output belongs to its user, who can then
    open /dev/stdout. An `executed` program never runs in a forked interpreter. `stream` is the
    program's own stream of random numbers.
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
    capabilities: tuple[int, ...] = ()
    gaining: bool = False
    owns_streams: bool = False
    executed: bool = False
    stream: int = 0
    held: bool = False

    def module(self) -> str:
        """The Python code that this runs in a forked interpreter, empty if it is anything else.

        It is a module of `echo_app`, or `TEXT` and a text.
        """
        return "" if self.calls or self.executed else own_module(self.argv) or _text_of(self.argv)

    def executions(self) -> int:
        """How many calls of execve(2) it takes until the program itself runs."""
        if self.module():
            return 0
        return 2 if self.calls else 1

    def words(self) -> tuple[str, ...]:
        """The argument vector to execute."""
        return programs.traced(self.argv, self.calls) if self.calls else self.argv


def own_module(argv: Sequence[str]) -> str:
    """The module of `echo_app` that these words run, empty if they run anything else."""
    own = (
        len(argv) > 2
        and tuple(argv[:2]) == ("python3", "-m")
        and argv[2].startswith(f"{OWN_PACKAGE}.")
    )
    return argv[2] if own else ""


def _text_of(argv: Sequence[str]) -> str:
    """`TEXT` and the text that these words have Python run; empty if they run anything else."""
    own = len(argv) > 2 and tuple(argv[:2]) == ("python3", "-c") and _is_plain(argv[2])
    return TEXT + argv[2] if own else ""


@functools.cache
def _is_plain(text: str) -> bool:
    """Whether a program's text imports only `echo_app` and the standard library."""
    try:
        tree = compile(text, "<string>", "exec", ONLY_TREE, dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    imports = {name.partition(".")[0] for name in _imported(tree)}
    return OWN_PACKAGE in imports and imports <= {*sys.stdlib_module_names, OWN_PACKAGE}


def _imported(node: _ast.AST) -> Iterator[str]:
    """The modules that a text imports, anywhere in it."""
    if isinstance(node, _ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, _ast.ImportFrom):
        yield node.module or "."
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, _ast.AST):
                yield from _imported(child)


_codes: dict[str, types.CodeType] = {}


def prepared(module: str) -> bool:
    """Import what a module imports and keep its code, so that its children need not.

    False if the module does not exist: then its interpreter must say so itself.
    """
    if module in _codes:
        return True
    if not _codes:
        for used in USED:
            importlib.import_module(used)
    if module.startswith(TEXT):
        return _prepared_text(module)
    try:
        loader = importlib.import_module(module).__loader__ if module else None
    except ImportError:
        return False
    code = loader.get_code(module) if isinstance(loader, SourceFileLoader) else None
    if code is None:
        return False
    _codes[module] = code
    gc.freeze()  # what the collector does not touch stays shared with the children
    return True


def prepared_program(text: str) -> None:
    """Prepare a program's text, if it can run in a forked interpreter."""
    if _is_plain(text):
        prepared(TEXT + text)


def _prepared_text(name: str) -> bool:
    """Compile a text and import what it imports; False if that fails, as its interpreter will."""
    text = name.removeprefix(TEXT)
    tree = compile(text, "<string>", "exec", ONLY_TREE, dont_inherit=True)
    try:
        for module in _imported(tree):
            importlib.import_module(module)
    except ImportError:
        return False
    _codes[name] = compile(text, "<string>", "exec", dont_inherit=True)
    gc.freeze()
    return True


def check_traced(start: Start) -> None:
    """Raise OSError unless this thread can execute a program that strace is to start.

    For a program that is executed without strace, execve(2) itself reports it.
    """
    if not start.calls:
        return
    paths = candidates(start.argv[0], start.environment)
    if not any(os.access(path, os.F_OK) for path in paths):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), start.argv[0])
    if not any(Path(path).is_file() and os.access(path, os.X_OK) for path in paths):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), start.argv[0])


def candidates(program: str, environment: Mapping[str, str]) -> list[str]:
    """The paths that a program's name may mean, as execvp(3) searches."""
    if "/" in program:
        return [program]
    folders = environment.get("PATH", os.defpath).split(":")
    paths = [Path(folder, program) for folder in folders]
    return [str(path) for path in paths if os.access(path, os.F_OK)]


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
            if start.held:
                signal.raise_signal(signal.SIGSTOP)
            status = _run(start)
    finally:
        os._exit(status)


def give_up_rights(start: Start) -> None:
    """Reduce this thread's rights to the program's, in its working folder.

    On a host with an image it goes there as root, as a container's program does.
    """
    if start.owns_streams:
        os.chdir(start.workdir)
    sandbox.confine(start.account, start.last_capability, start.capabilities, gaining=start.gaining)
    if not start.owns_streams:
        os.chdir(start.workdir)


def _settle(
    start: Start, host: HostNamespaces, streams: tuple[int, int, int], failure: int
) -> None:
    """Move to the host, as its user, with none of the engine's descriptors open."""
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
    linux.name_chance(start.stream, above=start.executions())
    give_up_rights(start)
    check_traced(start)


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
    main = types.ModuleType("__main__")
    if start.held:
        sys.modules[LINES].show()
    if module.startswith(TEXT):
        _forget_the_engine(start)
        sys.argv = ["-c", *start.argv[3:]]
    else:
        path = sys.modules[module].__file__ or module
        sys.argv = [path, *start.argv[3:]]
        main.__dict__.update(__file__=path, __package__=OWN_PACKAGE, __spec__=None)
    sys.modules["__main__"] = main
    status = _status_of(_codes[module], main)
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]  # waits as an interpreter's end does
        atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    return status


def _forget_the_engine(start: Start) -> None:
    """Show a program what it would find in an interpreter of its own: nothing of the engine's."""
    for name in list(sys.modules):
        if name.partition(".")[0] in OURS:
            del sys.modules[name]
    given = filter(None, start.environment.get("PYTHONPATH", "").split(":"))
    sys.path[:] = ["", *given, *sys.path[1:]]


def _text(descriptor: int, mode: str, *, unbuffered: bool = False) -> io.TextIOWrapper:
    raw = open(descriptor, f"{mode}b", closefd=False)  # noqa: SIM115 (a program's stream)
    return io.TextIOWrapper(raw, encoding="utf-8", line_buffering=unbuffered)


def _status_of(code: types.CodeType, main: types.ModuleType) -> int:
    """Run the code; return the exit status as python3(1) derives it from SystemExit and errors."""
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
