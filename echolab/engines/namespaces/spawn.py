"""Start a program from a thread that drops, for good, whatever the program must not have.

Strategy: a forked interpreter copies its memory page by page, as it or we touch it, which costs
more in a User-Mode Linux guest than most programs do. posix_spawn(3) copies nothing, but then no
code of ours can run in between. So a thread of ours does what the child would have done, starts the
program, and ends: its namespaces, folders, user and rights are its own (credentials(7), clone(2):
CLONE_FS). Resource limits belong to the whole process; they are lowered for a moment and restored
by a thread that still has the right to. The program's streams become descriptors 0, 1 and 2 of the
thread itself, whose table of descriptors is its own: posix_spawn(3) would refuse a file action with
EBADF for a stream whose number is above the lowered limit, as in a lab of 170 hosts.

The program must be in its host's group before it does anything. In the guest it is: there is one
processor, and the thread, which has a real-time priority, goes on as soon as the program has been
executed, before its first instruction (vfork(2), sched(7)). Nothing that the thread does then may
sleep, which is why the groups are mounted with favordynmods (cgroups(7)).

While the program is executed, the engine too is one of the first processes that a kernel without
memory would end: that priority belongs to the process, and only a right that the thread has dropped
would let the program change it back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import threading
from collections.abc import Iterator

from echolab.engines.contract import version
from echolab.engines.namespaces import linux, sandbox
from echolab.engines.namespaces.child import (
    UNTOUCHED,
    Start,
    candidates,
    check_traced,
    give_up_rights,
)
from echolab.engines.namespaces.hosts import HostNamespaces

SINCE = (6, 18)
"""The first kernel whose /proc can be mounted for another PID namespace (fs/proc/root.c)."""

STACK = 256 * 1024
"""Bytes of the thread's stack, which the guest fills at once."""


def possible(start: Start) -> bool:
    """Whether a program can be started this way: on the guest's kernel, if it is new enough."""
    return start.group >= 0 and version(os.uname().release) >= SINCE


def spawn(
    start: Start,
    host: HostNamespaces,
    streams: tuple[int, int, int],
    space: linux.PidNamespace,
) -> int:
    """Start a program on a host, in a PID namespace; return its process's number.

    Raises OSError if it cannot be executed, and what Python raises for words that cannot start a
    program, ValueError for one with a NUL.
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
    """Wait for the thread to end; if the wait is interrupted, first end what it started."""
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
    """Whatever the block does to these limits, they are as before afterwards."""
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
    """Reduce this thread's rights to the program's, and start the program.

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
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sandbox.limit(start.limits)  # while this thread may still raise one
    linux.name_chance(start.stream, above=start.executions())
    give_up_rights(start)
    check_traced(start)
    pid = _execute(start)
    try:
        if start.held:
            os.kill(pid, signal.SIGSTOP)
        os.write(start.group, b"%d" % pid)
        own = start.limits.values().get(resource.RLIMIT_MEMLOCK, locked)
        resource.prlimit(pid, resource.RLIMIT_MEMLOCK, own)
    except BaseException:
        _end(pid)
        raise
    return pid


def _execute(start: Start) -> int:
    """Start the program, looked for as execvp(3) does, with the signals as a shell leaves them.

    Names that do not exist are not tried: an attempt would use up a process number.
    """
    words = start.words()
    failure: OSError | None = None
    for path in candidates(words[0], start.environment):
        try:
            return os.posix_spawn(
                path,
                words,
                dict(start.environment),
                setsid=True,
                setsigdef=UNTOUCHED,
            )
        except OSError as error:
            failure = failure or error
    raise failure or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
