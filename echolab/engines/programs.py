"""Programs on hosts: started in a PID namespace each, served by the pump, ended whole.

A program's end is the end of everything it started. Its output is kept up to
`LARGEST_OUTPUT`; one that prints more is ended, and the end of its standard error says so.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
from collections.abc import Callable

from echolab.engines import child, linux, pump, spawn
from echolab.engines.child import Start
from echolab.engines.contract import Finished
from echolab.engines.hosts import HostNamespaces
from echolab.engines.sandbox import MIB
from echolab.errors import BadInput, CannotRun, EcholabError

LARGEST_OUTPUT = 16 * MIB
"""Bytes that are kept of standard output and of standard error: room for a probe of
10,000 messages many times over."""

PIPE = MIB
"""Bytes that a pipe holds: as much as the kernel gives anybody (pipe(7)), so that a
program seldom waits for the engine to read."""

LARGEST_CALLS = 4 * MIB
"""Bytes that are kept of a program's system calls."""

PATIENCE = 1.0
"""Lab seconds between SIGTERM and SIGKILL when a program is stopped."""

CHUNK = 65536

FLOODED = f"\n[echolab ended this program: it printed more than {LARGEST_OUTPUT} bytes]\n"

NOT_THERE = (errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR, errno.ELOOP, errno.EINVAL)


class _Output:
    """What a program writes to one of its streams, kept up to the limit."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.flooded = False
        self._kept = bytearray()

    def take(self) -> None:
        """Read what is there, until nothing more is, or no more is kept."""
        while not self.flooded:
            try:
                data = os.read(self.descriptor, CHUNK)
            except BlockingIOError:
                return
            if not data:
                return
            self.flooded = len(self._kept) + len(data) > LARGEST_OUTPUT
            self._kept += data[: LARGEST_OUTPUT - len(self._kept)]

    def text(self) -> str:
        """What was written, as text."""
        return self._kept.decode(errors="replace")


class _Pipes:
    """A program's three streams: the ends that it gets, and ours."""

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
        """Close the ends that the program has by now."""
        self._theirs.close()

    def close(self) -> None:
        """Close all that is still open."""
        self.close_input()
        self._theirs.close()
        self._ours.close()


class RunningProgram:
    """A program on a host, from its start to its end; the contract's `Program`.

    `epoch` is the moment that counts as lab second 0; `on_end` is called once, when the
    end is known. Raises BadInput where the program cannot be executed.
    """

    def __init__(
        self,
        start: Start,
        host: HostNamespaces,
        pumping: pump.Pump,
        epoch: float,
        on_end: Callable[[RunningProgram, Finished], None],
        *,
        input: bytes | None = None,
        keep_input: bool = False,
    ) -> None:
        self.host = start.host
        self.argv = start.argv
        self._start = start
        self._namespaces = host
        self._pump = pumping
        self._epoch = epoch
        self._on_end = on_end
        self._pending = bytearray(input or b"")
        self._keep_input = keep_input
        self._finished: Finished | None = None
        with contextlib.ExitStack() as undo:
            self._pipes = _Pipes(with_input=bool(input) or keep_input)
            undo.callback(self._pipes.close)
            self._space = linux.PidNamespace()
            undo.callback(self._space.close)
            self._started = pump.now() - epoch
            self.pid = self._execute()
            self._pidfd = os.pidfd_open(self.pid)
            undo.pop_all()
        self._serve()

    # --- what the contract asks for

    def wait(self, timeout: float | None = None) -> Finished:
        """Wait at most `timeout` lab seconds for the end; then the program is killed."""
        until = pump.FOR_EVER if timeout is None else pump.now() + timeout
        self._pump.run(until, lambda: self._finished is not None)
        return self._finished or self._end(timed_out=True)

    def stop(self) -> Finished:
        """End the program: SIGTERM, and SIGKILL after one lab second."""
        if self._finished is None:
            if self._start.calls:  # strace itself blocks the signal: strace(1), option -I
                os.killpg(self.pid, signal.SIGTERM)
            else:
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
            self._pump.run(pump.now() + PATIENCE, lambda: self._finished is not None)
        return self._finished or self._end()

    def send(self, data: bytes) -> None:
        """Write to the program's standard input. Raises BadInput where that is closed."""
        if not self._keep_input:
            raise BadInput(
                f"standard input of {self.argv[0]} on {self.host} is closed",
                "start it with keep_input=True",
            )
        if self._pipes.input is not None and data:
            if not self._pending:
                self._pump.on_writable(self._pipes.input, self._feed)
            self._pending += data

    def kill(self) -> None:
        """End the program at once, without a word."""
        if self._finished is None:
            self._end()

    # --- its start

    def _execute(self) -> int:
        """Start the program and wait until it is executed; the process's number."""
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
        if self._start.module():
            child.prepare(self._start.module())
        told, failure = os.pipe()
        try:
            try:
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
        """Have the pump serve the program from now on."""
        self._pump.on_readable(self._pidfd, self._on_exit)
        for output in self._pipes.outputs:
            self._pump.drain_with(output.descriptor, self._take)
        if self._pending and self._pipes.input is not None:
            self._pump.on_writable(self._pipes.input, self._feed)

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
        """Write what waits for standard input; close it behind the last byte unless kept."""
        descriptor = self._pipes.input
        assert descriptor is not None
        try:
            written = os.write(descriptor, self._pending[:CHUNK])
        except BlockingIOError:
            return
        except OSError:  # the program reads no more
            written = len(self._pending)
        del self._pending[:written]
        if not self._pending:
            self._pump.forget(descriptor)
            if not self._keep_input:
                self._pipes.close_input()

    # --- its end

    def _end(self, *, timed_out: bool = False) -> Finished:
        """Kill what is left of it, take in the rest of its output, and release everything."""
        ended = pump.now() - self._epoch
        inputs = () if self._pipes.input is None else (self._pipes.input,)
        outputs = (output.descriptor for output in self._pipes.outputs)
        for descriptor in (self._pidfd, *inputs, *outputs):
            self._pump.forget(descriptor)
        self._space.kill()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._space.close()
        for output in self._pipes.outputs:
            output.take()
        stdout, stderr = (output.text() for output in self._pipes.outputs)
        self._finished = Finished(
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
        return self._namespaces.take_file(self._start.calls, LARGEST_CALLS)


def _read_all(descriptor: int) -> bytes:
    words = b""
    while data := os.read(descriptor, CHUNK):
        words += data
    return words


def _refusal(start: Start, number: int, text: str) -> EcholabError:
    """What to raise for an error, by its number and text, that kept a program from starting."""
    program = start.words()[0]
    if number == errno.ENOENT and not program.startswith("/") and "/" not in program:
        return BadInput(
            f"host {start.host}: there is no program '{program}' on its PATH",
            "install it on this machine, or give its path",
        )
    if number in NOT_THERE:
        return BadInput(f"host {start.host}: cannot start '{program}': {text}")
    return CannotRun(f"host {start.host}: cannot start '{program}': {text}")
