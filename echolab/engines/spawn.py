"""Start a program from a thread that gives up, for good, whatever the program must not have.

Strategy: a forked interpreter copies its memory page by page, as it or we touch it, which
costs more in a User-Mode Linux guest than most programs do. posix_spawn(3) copies nothing,
but then nothing of ours can run in between. So a thread of ours does what the child would
have done, starts the program, and ends: its namespaces, folders, user and rights are its own
(credentials(7), clone(2): CLONE_FS). The limits of resources belong to the whole process;
they are lowered for a moment and set back by a thread that still has the right to.

The program must be in its host's group before it does anything. In the guest it is: there
is one processor, and the thread, which has a real-time priority, goes on as soon as the
program has been executed, before its first instruction (vfork(2), sched(7)); nothing that it
then does may sleep, for which the groups are mounted with favordynmods (cgroups(7)).

While the program is executed the engine, too, is one of the first that a kernel without memory
would end: how soon that is belongs to the process, and only a right that the thread has given
up keeps the program from changing it back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from echolab.engines import linux, sandbox
from echolab.engines.child import UNTOUCHED, Start
from echolab.engines.contract import version
from echolab.engines.hosts import HostNamespaces

SINCE = (6, 18)
"""The first kernel whose /proc can be mounted for another PID namespace (fs/proc/root.c)."""

STACK = 256 * 1024
"""Bytes of the thread's stack, which the guest fills at once."""


def possible(start: Start) -> bool:
    """Whether a program can be started so: on the guest's kernel, if that is new enough."""
    return start.group >= 0 and version(os.uname().release) >= SINCE


def spawn(
    start: Start,
    host: HostNamespaces,
    streams: tuple[int, int, int],
    space: linux.PidNamespace,
) -> int:
    """Start a program on a host, in a PID namespace; its process's number.

    Raises OSError where it cannot be executed, and what Python raises for words that no
    program can be given, ValueError for one with a NUL.
    """
    told: list[int | BaseException] = []
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)

    def work() -> None:
        try:
            told.append(_start(start, host, streams, space, locked))
        except BaseException as error:
            told.append(error)

    before = threading.stack_size(STACK)
    try:
        thread = threading.Thread(target=work)
        with _limits_kept(start.limits):
            sandbox.dies_first(sandbox.FIRST_TO_DIE)
            thread.start()
            _join(thread, told)
    finally:
        sandbox.dies_first(sandbox.AS_OTHERS)
        threading.stack_size(before)
    (outcome,) = told
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _join(thread: threading.Thread, told: list[int | BaseException]) -> None:
    """Wait for the thread's end; where that is interrupted, what it started is ended first."""
    try:
        thread.join()
    except BaseException:
        thread.join()
        for outcome in told:
            if isinstance(outcome, int):
                _end(outcome)
        raise


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@contextlib.contextmanager
def _limits_kept(limits: sandbox.Limits) -> Iterator[None]:
    """Whatever becomes of these limits of the process within, behind it they are as before."""
    locked = resource.RLIMIT_MEMLOCK
    kept = {what: resource.getrlimit(what) for what in (*limits.values(), locked)}
    try:
        # The guest's engine locks all its memory, the stack for posix_spawn(3) as well.
        resource.setrlimit(locked, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        yield
    finally:
        for what, value in kept.items():
            resource.setrlimit(what, value)


def _start(
    start: Start,
    host: HostNamespaces,
    streams: tuple[int, int, int],
    space: linux.PidNamespace,
    locked: tuple[int, int],
) -> int:
    """Turn this thread into one that has no more than the program shall; start that.

    `locked` is how much memory the program may lock, soft and hard.
    """
    linux.unshare(linux.CLONE_FS | linux.CLONE_FILES)
    linux.close_at_exec(3)
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    space.adopt()
    os.chdir("/proc")
    procfs = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        host.enter()
        os.fchdir(procfs)
    finally:
        os.close(procfs)
    sandbox.add_proc(f"pidns={space.pid}/ns/pid")
    os.umask(0o022)
    sandbox.limit(start.limits)  # while this thread may still raise one
    sandbox.confine(start.account, start.last_capability)
    os.chdir(start.workdir)
    pid = _execute(start, streams)
    try:
        os.write(start.group, b"%d" % pid)
        resource.prlimit(pid, resource.RLIMIT_MEMLOCK, locked)
    except BaseException:
        _end(pid)
        raise
    return pid


def _execute(start: Start, streams: tuple[int, int, int]) -> int:
    """Start the program, looked for as execvp(3) does, with the signals as a shell leaves them."""
    words = start.words()
    actions = [(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)]
    failure: OSError | None = None
    for path in _candidates(words[0], start.environment):
        try:
            return os.posix_spawn(
                path,
                words,
                dict(start.environment),
                file_actions=actions,
                setsid=True,
                setsigdef=UNTOUCHED,
            )
        except OSError as error:
            failure = failure or error
    raise failure or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])


def _candidates(program: str, environment: Mapping[str, str]) -> list[str]:
    """The paths that a program's name may mean.

    What is not there is no candidate: an attempt would use up a process number.
    """
    if "/" in program:
        return [program]
    folders = environment.get("PATH", os.defpath).split(":")
    paths = [Path(folder, program) for folder in folders]
    return [str(path) for path in paths if os.access(path, os.F_OK)]
