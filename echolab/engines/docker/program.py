"""Programs on a host: started, fed, watched and ended by the daemon's exec calls."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from docker.errors import DockerException
from requests import RequestException

from echolab.engines import programs
from echolab.engines.contract import ProgramRun
from echolab.engines.docker.attach import STDERR, STDOUT, Api, Stream
from echolab.engines.docker.daemon import daemon_errors
from echolab.engines.programs import FLOODED, MOST_CALLS, MOST_OUTPUT, TERM_GRACE
from echolab.errors import CannotRun

LAUNCHER = r"""
program=$1 tracing=$2 found=
shift 2
case $program in
*/*) found=$program ;;
*)
    set -f
    IFS=:
    for folder in $PATH; do
        [ -e "$folder/$program" ] || continue
        found=$folder/$program
        [ -x "$found" ] && break
    done
    unset IFS
    ;;
esac
[ -e "$found" ] || exit 127
[ -f "$found" ] && [ -x "$found" ] || exit 126
command -v strace >/dev/null || shift "$tracing"
echo "$$"
exec "$@"
"""
"""What starts a program: `sh -c LAUNCHER sh PROGRAM TRACING WORDS`. The words stay an argument
vector. The first TRACING of them start strace(1); they are dropped if the host has no strace.

Strategy: the daemon has no call that ends an exec, and a process has different numbers inside and
outside a container. So the shell that becomes the program first prints its own number, as the host
sees it. Before that, it looks for the program as execvp(3) would, since a shell's message about a
program that it cannot execute would look like the program's output. An exec leads a session and a
process group of its own, so that a signal to the group also reaches what the program started.
"""

NOT_THERE, NOT_EXECUTABLE = 127, 126
"""Exit statuses of the launcher before it has printed its number."""

SIGNALLER = 'kill -s "$1" -- "$2"'

TAKER = 'head -c "$1" -- "$2"; rm -f -- "$2"'

END_LIMIT = 10.0
"""Seconds after SIGKILL in which the daemon must report that a program ended."""

START_LIMIT = 30.0
"""Seconds in which a program must have been started."""


class Surroundings(Protocol):
    """What a program needs of the network that it runs on."""

    api: Api
    changed: threading.Condition

    def now(self) -> float: ...

    def await_that(self, done: Callable[[], bool], within: float | None) -> bool:
        """Wait until a condition holds; CannotRun if the network broke."""

    def going_on(self, host: str) -> contextlib.AbstractContextManager[None]:
        """Within it, a paused host goes on, so that its programs receive signals."""


class ContainerProgram:
    """A program that was started in a host's container (see contract.Program)."""

    def __init__(
        self,
        around: Surroundings,
        host: str,
        container: str,
        argv: Sequence[str],
        *,
        input: bytes | None,
        environment: Mapping[str, str] | None,
        keep_input: bool,
        trace: str,
    ) -> None:
        self.host = host
        self.argv = tuple(argv)
        self._around = around
        self._container = container
        self._trace = trace
        self._output = {STDOUT: bytearray(), STDERR: bytearray()}
        self._flooded = False
        self._ended: float | None = None
        self._finished: ProgramRun | None = None
        self._process = 0
        self._status: int | None = None
        self._keep_input = keep_input
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        words = programs.traced(argv, trace) if trace else tuple(argv)
        with daemon_errors(f"starting {argv[0]} on {host}"):
            made = around.api.exec_create(
                container,
                ["sh", "-c", LAUNCHER, "sh", argv[0], str(len(words) - len(argv)), *words],
                stdin=True,
                environment=dict(environment or {}),
            )
            self._exec: str = made["Id"]
            self._started = around.now()
            self._stream: Stream = around.api.run_attached(self._exec)
        threading.Thread(target=self._watch, daemon=True).start()
        self._await_start()
        if input:
            self._input.put(input)
        if not keep_input:
            self._input.put(None)
        threading.Thread(target=self._feed, daemon=True).start()

    @property
    def under_way(self) -> float | None:
        """For how many seconds it has run; None if it has ended."""
        return None if self._ended is not None else self._around.now() - self._started

    def _watch(self) -> None:
        """Gather output until the program closes it; wake those who wait."""
        for which, piece in self._stream.frames():
            with self._around.changed:
                kept = self._output[which]
                room = MOST_OUTPUT - len(kept)
                kept += piece[:room]
                too_much = len(piece) > room and not self._flooded
                self._flooded = self._flooded or too_much
                if not self._process and b"\n" in kept and which == STDOUT:
                    number, _, rest = bytes(kept).partition(b"\n")
                    self._process = int(number) if number.isdigit() else -1
                    kept[:] = rest
                    self._started = self._around.now()
                    self._around.changed.notify_all()
            if too_much:  # keep reading: the daemon starts no exec while a stream is stuck
                threading.Thread(target=self._kill, daemon=True).start()
        status = None
        with contextlib.suppress(DockerException, RequestException):
            status = exit_status(self._around.api, self._exec)
        ended = self._around.now()
        if self._process > 0 and self._left_some():
            self._kill()
        with self._around.changed:
            self._status = status
            self._ended = ended
            self._around.changed.notify_all()

    def _left_some(self) -> bool:
        """Whether the program, which has ended, left processes in its session.

        The daemon lists processes and sessions by their numbers outside the container.
        """
        api = self._around.api
        try:
            leader = str(api.exec_inspect(self._exec)["Pid"])
            listed = api.top(self._container, ps_args="-eo pid,sess")["Processes"] or ()
        except (DockerException, RequestException, KeyError):
            return False
        return any(session == leader for _, session in listed)

    def _kill(self) -> None:
        self._signal("KILL")

    def _await_start(self) -> None:
        with self._around.changed:
            self._around.changed.wait_for(
                lambda: self._process or self._ended is not None, START_LIMIT
            )
        if self._process > 0:
            return
        said = self._text(STDOUT) + self._text(STDERR)
        self._stream.close()
        if self._status == NOT_THERE:
            raise programs.not_there(self.host, self.argv[0])
        if self._status == NOT_EXECUTABLE:
            why = os.strerror(errno.EACCES)
            raise programs.cannot_start(self.host, self.argv[0], why)
        raise CannotRun(
            f"{self.argv[0]} could not be started on {self.host}: {said.strip()[:300]}",
            "the host must run, and its image must have /bin/sh",
        )

    def _feed(self) -> None:
        """Write what standard input must provide, and close it after the last byte."""
        try:
            while (data := self._input.get()) is not None:
                self._stream.send(data)
        except OSError:
            return  # the program ended without reading it all, as programs may
        self._stream.end_input()

    def send(self, data: bytes) -> None:
        """Write to standard input (see contract.Program.send)."""
        if not self._keep_input:
            raise programs.input_closed(self.host, self.argv[0])
        self._input.put(data)

    def wait(self, timeout: float | None = None) -> ProgramRun:
        """Wait for the end (see contract.Program.wait)."""
        if self._await_end(timeout):
            return self._finish(timed_out=False)
        self._signal("KILL")
        self._await_end(END_LIMIT)
        return self._finish(timed_out=True)

    def stop(self) -> ProgramRun:
        """End the program (see contract.Program.stop)."""
        if self._ended is None:
            # strace itself blocks the signal (strace(1), option -I); what it traces gets it.
            self._signal("TERM", group=bool(self._trace))
            if not self._await_end(TERM_GRACE, checked=False):
                self._signal("KILL")
                self._await_end(END_LIMIT, checked=False)
        return self._finish(timed_out=False)

    def _await_end(self, timeout: float | None, *, checked: bool = True) -> bool:
        if checked:
            return self._around.await_that(lambda: self._ended is not None, timeout)
        with self._around.changed:
            return self._around.changed.wait_for(lambda: self._ended is not None, timeout)

    def _signal(self, name: str, *, group: bool = True) -> None:
        """Send a signal to the program, or to all of its process group."""
        target = str(-self._process if group else self._process)
        argv = ["sh", "-c", SIGNALLER, "sh", name, target]
        # A killed host cannot be told; its programs have ended anyway.
        with contextlib.suppress(CannotRun), self._around.going_on(self.host):
            output_of(self._around.api, self._container, argv)

    def _finish(self, *, timed_out: bool) -> ProgramRun:
        if self._finished is None:
            status = -signal.SIGKILL if self._flooded else self._status
            self._finished = ProgramRun(
                self.host,
                self.argv,
                None if timed_out else status,
                self._text(STDOUT),
                self._text(STDERR) + (FLOODED if self._flooded else ""),
                self._started,
                self._around.now() if self._ended is None else self._ended,
                self._calls(),
            )
            self._input.put(None)
            self._stream.close()
        return self._finished

    def _text(self, which: int) -> str:
        return bytes(self._output[which]).decode(errors="replace")

    def _calls(self) -> str:
        if not self._trace:
            return ""
        argv = ["sh", "-c", TAKER, "sh", str(MOST_CALLS), self._trace]
        return output_of(self._around.api, self._container, argv)[1]


def output_of(api: Api, container: str, argv: Sequence[str]) -> tuple[int | None, str]:
    """Run a short program in a container; its exit status and standard output."""
    with daemon_errors(f"running {argv[0]}"):
        made = api.exec_create(container, list(argv))["Id"]
        stream = api.run_attached(made)
        output = b"".join(piece for which, piece in stream.frames() if which == STDOUT)
        stream.close()
        return exit_status(api, made), output.decode(errors="replace")


def exit_status(api: Api, exec_id: str) -> int | None:
    """The exit status, once the daemon has it: that may be a little after the output.

    A shell and runc say 128 + N for the signal N; here that is -N.
    """
    pause = 0.002
    while True:
        seen = api.exec_inspect(exec_id)
        if not seen["Running"]:
            status: int | None = seen["ExitCode"]
            return 128 - status if status is not None and 128 < status < 193 else status
        time.sleep(pause)
        pause = min(2 * pause, 0.1)
