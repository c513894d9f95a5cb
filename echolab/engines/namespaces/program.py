"""Programs on hosts: each started in a PID namespace, served by the loop, ended as a whole."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path

from echolab.engines import programs
from echolab.engines.contract import ProgramRun
from echolab.engines.namespaces import child, linux, loop, memory, spawn
from echolab.engines.namespaces.child import Start
from echolab.engines.namespaces.hosts import HostNamespaces
from echolab.engines.programs import FLOODED, MIB, MOST_CALLS, MOST_OUTPUT, TERM_GRACE
from echolab.errors import CannotRun, EcholabError

PIPE = MIB
"""Bytes that a pipe holds: as much as the kernel gives any user (pipe(7)), so that a program
seldom waits for the engine to read."""

CHUNK = 65536

USER_TIME, SYSTEM_TIME = 11, 12
"""Fields of /proc/PID/stat after the program's name (proc_pid_stat(5), 14 and 15)."""

CANNOT_START = (errno.EACCES, errno.ENOEXEC, errno.ENOTDIR, errno.ELOOP, errno.EINVAL)
"""Errors that are the named file's fault (execve(2))."""


class _Output:
    """What a program writes to one of its streams, kept up to the limit."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.flooded = False
        self._kept = bytearray()

    def take(self) -> None:
        """Read until nothing more is there, or no more is kept."""
        while not self.flooded:
            try:
                data = os.read(self.descriptor, CHUNK)
            except BlockingIOError:
                return
            if not data:
                return
            self.flooded = len(self._kept) + len(data) > MOST_OUTPUT
            self._kept += data[: MOST_OUTPUT - len(self._kept)]

    def kept(self) -> bytes:
        """What was written."""
        return bytes(self._kept)

    def text(self) -> str:
        """What was written, as text."""
        return self._kept.decode(errors="replace")


class _Pipes:
    """A program's three streams: its ends, and ours."""

    def __init__(self, *, with_input: bool) -> None:
        self.input: int | None = None
        self._ours = contextlib.ExitStack()
        self._theirs = contextlib.ExitStack()
        try:
            streams = [self._open_input() if with_input else self._open_nothing()]
            self.outputs: list[_Output] = []
            for _ in range(2):
                read, write = os.pipe()
                os.set_blocking(read, False)
                fcntl.fcntl(read, fcntl.F_SETPIPE_SZ, PIPE)
                self._ours.callback(os.close, read)
                self._theirs.callback(os.close, write)
                self.outputs.append(_Output(read))
                streams.append(write)
            self.theirs = (streams[0], streams[1], streams[2])
        except BaseException:
            self.close()
            raise

    def _open_input(self) -> int:
        read, self.input = os.pipe()
        self._theirs.callback(os.close, read)
        os.set_blocking(self.input, False)
        return read

    def _open_nothing(self) -> int:
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._theirs.callback(os.close, nothing)
        return nothing

    def close_input(self) -> None:
        """Close our end of standard input, so that the program reads its end."""
        if self.input is not None:
            os.close(self.input)
            self.input = None

    def close_theirs(self) -> None:
        """Close the ends that the program has inherited by now."""
        self._theirs.close()

    def close(self) -> None:
        """Close all that is still open."""
        self.close_input()
        self._theirs.close()
        self._ours.close()


class NamespaceProgram:
    """A program on a host, from its start to its end; the contract's `Program`.

    `epoch` is the moment that counts as lab second 0; `on_end` is called once, when the
    end is known. Raises BadInput if the program cannot be executed.
    """

    def __init__(
        self,
        start: Start,
        host: HostNamespaces,
        events: loop.EventLoop,
        epoch: float,
        on_end: Callable[[NamespaceProgram, ProgramRun], None],
        *,
        input: bytes | None = None,
        keep_input: bool = False,
    ) -> None:
        self.host = start.host
        self.argv = start.argv
        self._start = start
        self._namespaces = host
        self._loop = events
        self._epoch = epoch
        self._on_end = on_end
        self._pending = bytearray(input or b"")
        self._keep_input = keep_input
        self._finished: ProgramRun | None = None
        with contextlib.ExitStack() as undo:
            self._pipes = _Pipes(with_input=bool(input) or keep_input)
            undo.callback(self._pipes.close)
            self._space = linux.PidNamespace()
            undo.callback(self._space.close)
            self._started = loop.now() - epoch
            self.pid = self._execute()
            self._pidfd = os.pidfd_open(self.pid)
            undo.pop_all()
        self._serve()

    # --- what the contract asks for

    def wait(self, timeout: float | None = None) -> ProgramRun:
        """Wait for the end; see the contract."""
        until = loop.FOR_EVER if timeout is None else loop.now() + timeout
        self._loop.run(until, lambda: self._finished is not None)
        return self._finished or self._end(timed_out=not self._has_exited())

    def _has_exited(self) -> bool:
        """Whether the program has ended, even if the loop has not noticed yet."""
        return os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def stop(self) -> ProgramRun:
        """End the program; see the contract."""
        if self._finished is None:
            if self._start.calls:  # strace itself blocks the signal: strace(1), option -I
                os.killpg(self.pid, signal.SIGTERM)
            else:
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
            self._loop.run(loop.now() + TERM_GRACE, lambda: self._finished is not None)
        return self._finished or self._end()

    def send(self, data: bytes) -> None:
        """Write to the program's standard input; see the contract."""
        if not self._keep_input:
            raise programs.input_closed(self.host, self.argv[0])
        if self._pipes.input is not None and data:
            if not self._pending:
                self._loop.on_writable(self._pipes.input, self._feed)
            self._pending += data

    def written(self) -> bytes:
        """What it wrote to standard output so far, byte for byte."""
        if self._finished is None:
            self._pipes.outputs[0].take()
        return self._pipes.outputs[0].kept()

    def processor_time(self) -> float:
        """Lab seconds of processor time that it has used, while it runs; see the contract."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ProcessLookupError(f"process {self.pid} has ended") from None
        fields = told.rpartition(")")[2]
        user, system = map(int, fields.split()[USER_TIME : SYSTEM_TIME + 1])
        return (user + system) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """Kill the program at once."""
        if self._finished is None:
            self._end()

    # --- its start

    def _execute(self) -> int:
        """Start the program and wait until it is executed; the process's number."""
        if self._start.owns_streams:
            for stream in self._pipes.theirs[1:]:
                os.fchown(stream, self._start.account.uid, self._start.account.gid)
        if not self._start.module() and spawn.possible(self._start):
            try:
                return spawn.spawn(self._start, self._namespaces, self._pipes.theirs, self._space)
            except Exception as error:
                number = (error.errno or 0) if isinstance(error, OSError) else 0
                raise _refusal(self._start, number, str(error)) from None
            finally:
                self._pipes.close_theirs()
        return self._fork()

    def _fork(self) -> int:
        """Fork, and have the child become the program."""
        if not child.prepared(self._start.module()):
            self._start = dataclasses.replace(self._start, executed=True)
        told, failure = os.pipe()
        try:
            try:
                memory.copy_program()
                pid = self._space.fork()
                if pid == 0:
                    child.become(self._start, self._namespaces, self._pipes.theirs, failure)
            finally:
                os.close(failure)
                self._pipes.close_theirs()
            words = _read_all(told)
        finally:
            os.close(told)
        if words:
            os.waitpid(pid, 0)
            number, _, text = words.decode(errors="replace").partition("\n")
            raise _refusal(self._start, int(number), text)
        return pid

    def _serve(self) -> None:
        """Have the loop serve the program from now on."""
        self._loop.on_readable(self._pidfd, self._on_exit)
        for output in self._pipes.outputs:
            self._loop.drain_with(output.descriptor, self._take)
        if self._pending and self._pipes.input is not None:
            self._loop.on_writable(self._pipes.input, self._feed)

    def _take(self) -> None:
        for output in self._pipes.outputs:
            output.take()
        if self._flooded():
            self._end()

    def _on_exit(self) -> None:
        self._end()

    def _flooded(self) -> bool:
        return any(output.flooded for output in self._pipes.outputs)

    def _feed(self) -> None:
        """Write what waits for standard input; close it after the last byte unless kept open."""
        descriptor = self._pipes.input
        assert descriptor is not None
        try:
            written = os.write(descriptor, self._pending[:CHUNK])
        except BlockingIOError:
            return
        except OSError:  # the program no longer reads
            written = len(self._pending)
        del self._pending[:written]
        if not self._pending:
            self._loop.forget(descriptor)
            if not self._keep_input:
                self._pipes.close_input()

    # --- its end

    def _end(self, *, timed_out: bool = False) -> ProgramRun:
        """Kill what is left of it, read the rest of its output, and release everything."""
        ended = loop.now() - self._epoch
        inputs = () if self._pipes.input is None else (self._pipes.input,)
        outputs = (output.descriptor for output in self._pipes.outputs)
        for descriptor in (self._pidfd, *inputs, *outputs):
            self._loop.forget(descriptor)
        self._space.kill()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._space.close()
        for output in self._pipes.outputs:
            output.take()
        if self._flooded():
            status = -signal.SIGKILL
        stdout, stderr = (output.text() for output in self._pipes.outputs)
        self._finished = ProgramRun(
            host=self.host,
            argv=self.argv,
            status=None if timed_out else status,
            stdout=stdout,
            stderr=stderr + (FLOODED if self._flooded() else ""),
            started=self._started,
            ended=ended,
            calls=self._read_calls(),
        )
        os.close(self._pidfd)
        self._pipes.close()
        self._on_end(self, self._finished)
        return self._finished

    def _read_calls(self) -> str:
        if not self._start.calls:
            return ""
        return self._namespaces.take_file(self._start.calls, MOST_CALLS)


def _read_all(descriptor: int) -> bytes:
    words = b""
    while data := os.read(descriptor, CHUNK):
        words += data
    return words


def _refusal(start: Start, number: int, text: str) -> EcholabError:
    """What to raise for an error, by its number and text, that kept a program from starting."""
    program = start.argv[0]
    if number == errno.ENOENT:
        return programs.not_there(start.host, program)
    if number in CANNOT_START:
        return programs.cannot_start(start.host, program, os.strerror(number))
    return CannotRun(f"host {start.host}: cannot start '{program}': {text}", "run it again")
