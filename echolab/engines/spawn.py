"""Start a program from a thread that gives up, for good, whatever the program must not have.

Strategy: a forked interpreter copies its memory page by page, as it or we touch it, which
costs more in a User-Mode Linux guest than most programs do. posix_spawn(3) copies nothing,
but then nothing of ours can run in between. So a thread of ours does what the child would
have done, starts the program, and ends: its namespaces, folders, user and rights are its own
(credentials(7), clone(2): CLONE_FS). The limits of resources belong to the whole process;
they are lowered for a moment and set back by a thread that still has the right to.

The program must be in its host's group before it does anything. In the guest it is: there
is one processor, and the thread, which has a real-time priority, goes on as soon as the
program has been executed, before its first instruction (vfork(2), sched(7)).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Iterator

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

    Raises OSError where it cannot be executed.
    """
    told: list[int | BaseException] = []

    def work() -> None:
        try:
            told.append(_start(start, host, streams, space))
        except BaseException as error:
            told.append(error)

    before = threading.stack_size(STACK)
    try:
        thread = threading.Thread(target=work)
        with _limits_kept(start.limits):
            sandbox.dies_first(sandbox.FIRST_TO_DIE)
            thread.start()
            thread.join()
    finally:
        sandbox.dies_first(sandbox.AS_OTHERS)
        threading.stack_size(before)
    (outcome,) = told
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@contextlib.contextmanager
def _limits_kept(limits: sandbox.Limits) -> Iterator[None]:
    """Whatever becomes of these limits of the process within, behind it they are as before."""
    locked = resource.RLIMIT_MEMLOCK
    kept = {what: resource.getrlimit(what) for what in (*limits.values(), locked)}
    try:
        # The guest's engine locks all its memory, the stack for posix_spawn(3) as well.
        resource.setrlimit(locked, (limits.memory, limits.memory))
        yield
    finally:
        for what, value in kept.items():
            resource.setrlimit(what, value)


def _start(
    start: Start,
    host: HostNamespaces,
    streams: tuple[int, int, int],
    space: linux.PidNamespace,
) -> int:
    """Turn this thread into one that has no more than the program shall; start that."""
    linux.unshare(linux.CLONE_FS)
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
    sandbox.confine(start.account, start.last_capability)
    os.chdir(start.workdir)
    sandbox.limit(start.limits)
    pid = _execute(start, streams)
    try:
        os.write(start.group, b"%d" % pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    return pid


def _execute(start: Start, streams: tuple[int, int, int]) -> int:
    """Start the program, looked for as execvp(3) does, with the signals as a shell leaves them."""
    words = start.words()
    folders = start.environment.get("PATH", os.defpath).split(":")
    paths = [words[0]] if "/" in words[0] else [f"{folder}/{words[0]}" for folder in folders]
    actions = [(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)]
    failure = OSError()
    for path in paths:
        try:
            return os.posix_spawn(
                path,
                words,
                dict(start.environment),
                file_actions=actions,
                setsid=True,
                setsigdef=UNTOUCHED,
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            failure = error
    raise failure
