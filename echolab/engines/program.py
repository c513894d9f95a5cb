"""Programs on a host: started, fed, watched and ended by the daemon's exec calls."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from docker.errors import DockerException
from requests import RequestException

from echolab.engines.attached import STDERR, STDOUT, Api, Stream
from echolab.engines.contract import Finished
from echolab.engines.daemon import daemon_errors
from echolab.errors import BadInput, CannotRun

LAUNCHER = 'command -v -- "$1" >/dev/null || exit 127; echo "$$"; exec "$@"'
"""What starts a program. Its words stay an argument vector: they come in as "$@".

Strategy: the daemon has no call that ends an exec, and the number of a process differs
inside and outside a container. So the shell that becomes the program first says its own
number, as the host sees it. An exec leads a session and a process group of its own, so that
a signal to the group reaches what the program started, too.
"""

STRACE = ("strace", "-f", "--absolute-timestamps=unix,ns", "--syscall-times=ns", "-o")

SIGNALLER = 'kill -s "$1" -- "$2"'

MOST_OUTPUT = 64 << 20
"""Bytes of one output stream that are kept; a program that floods is still drained."""

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""

END_LIMIT = 10.0
"""Seconds after SIGKILL in which the daemon must tell that a program ended."""

START_LIMIT = 30.0
"""Seconds in which a program must have been started."""


class Surroundings(Protocol):
    """What a program needs of the network that it runs on."""

    api: Api
    changed: threading.Condition

    def now(self) -> float: ...

    def check(self) -> None:
        """Raise CannotRun where the network broke."""


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
        self._spilt = False
        self._ended: float | None = None
        self._finished: Finished | None = None
        self._process = 0
        self._status: int | None = None
        words = [*STRACE, trace, "--", *argv] if trace else list(argv)
        with daemon_errors(f"starting {argv[0]} on {host}"):
            made = around.api.exec_create(
                container,
                ["sh", "-c", LAUNCHER, "sh", *words],
                stdin=True,
                environment=dict(environment or {}),
            )
            self._exec: str = made["Id"]
            self._started = around.now()
            self._stream: Stream = around.api.run_attached(self._exec)
        threading.Thread(target=self._watch, daemon=True).start()
        self._await_start()
        if input is not None or not keep_input:
            threading.Thread(
                target=self._feed, args=(input or b"", keep_input), daemon=True
            ).start()

    def _watch(self) -> None:
        """Gather output until the program closes it; what waits is told."""
        for which, piece in self._stream.frames():
            with self._around.changed:
                kept = self._output[which]
                room = MOST_OUTPUT - len(kept)
                kept += piece[:room]
                self._spilt = self._spilt or len(piece) > room
                if not self._process and b"\n" in kept and which == STDOUT:
                    number, _, rest = bytes(kept).partition(b"\n")
                    self._process = int(number) if number.isdigit() else -1
                    kept[:] = rest
                    self._started = self._around.now()
                    self._around.changed.notify_all()
        status = None
        with contextlib.suppress(DockerException, RequestException):
            status = exit_status(self._around.api, self._exec)
        with self._around.changed:
            self._status = status
            self._ended = self._around.now()
            self._around.changed.notify_all()

    def _await_start(self) -> None:
        with self._around.changed:
            self._around.changed.wait_for(
                lambda: self._process or self._ended is not None, START_LIMIT
            )
        if self._process > 0:
            return
        said = self._text(STDOUT) + self._text(STDERR)
        self._stream.close()
        if self._status == 127:
            raise BadInput(
                f"{self.host} has no program '{self.argv[0]}'",
                "give the path that it has on the host, or put it into the host's image",
            )
        raise CannotRun(
            f"{self.argv[0]} could not be started on {self.host}: {said.strip()[:300]}",
            "the host must run, and its image must have /bin/sh",
        )

    def _feed(self, data: bytes, keep: bool) -> None:
        try:
            self._stream.send(data)
        except OSError:
            return  # the program ended without reading it all, as programs may
        if not keep:
            self._stream.end_input()

    def send(self, data: bytes) -> None:
        """Write to standard input, which was kept open. Raises CannotRun where it is gone."""
        try:
            self._stream.send(data)
        except OSError as error:
            raise CannotRun(
                f"{self.argv[0]} on {self.host} takes no more input: {error}", "it has ended"
            ) from None

    def wait(self, timeout: float | None = None) -> Finished:
        """Wait at most `timeout` seconds for the end; then the program is killed."""
        if self._await_end(timeout):
            return self._finish(timed_out=False)
        self._signal("KILL")
        self._await_end(END_LIMIT)
        return self._finish(timed_out=True)

    def stop(self) -> Finished:
        """End the program: SIGTERM, and SIGKILL one second later."""
        if self._ended is None:
            # strace itself blocks the signal (strace(1), option -I); what it traces gets it.
            self._signal("TERM", group=bool(self._trace))
            if not self._await_end(GRACE, checked=False):
                self._signal("KILL")
                self._await_end(END_LIMIT, checked=False)
        return self._finish(timed_out=False)

    def _await_end(self, timeout: float | None, *, checked: bool = True) -> bool:
        with self._around.changed:
            while self._ended is None:
                if checked:
                    self._around.check()
                before = self._around.now()
                if not self._around.changed.wait(timeout):
                    return False
                if timeout is not None:
                    timeout = max(0.0, timeout - (self._around.now() - before))
            return True

    def _signal(self, name: str, *, group: bool = True) -> None:
        """Send a signal to the program, or to all of its process group."""
        target = str(-self._process if group else self._process)
        argv = ["sh", "-c", SIGNALLER, "sh", name, target]
        output_of(self._around.api, self._container, argv)

    def _finish(self, *, timed_out: bool) -> Finished:
        if self._finished is None:
            self._finished = Finished(
                self.host,
                self.argv,
                None if timed_out else self._status,
                self._text(STDOUT),
                self._text(STDERR),
                self._started,
                self._around.now() if self._ended is None else self._ended,
                self._calls(),
            )
            self._stream.close()
        return self._finished

    def _text(self, which: int) -> str:
        text = bytes(self._output[which]).decode(errors="replace")
        return text + "\n[the rest was left out]\n" if self._spilt and which == STDOUT else text

    def _calls(self) -> str:
        if not self._trace:
            return ""
        return output_of(self._around.api, self._container, ["cat", self._trace])[1]


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
