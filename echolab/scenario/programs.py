"""Programs on a lab's hosts: started, waited for, stopped at the end."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from echolab.engines import sockets
from echolab.engines.activity import SOURCE
from echolab.engines.contract import Network, Program, ProgramRun
from echolab.errors import BadInput, CannotRun
from echolab.scenario.kernel_counts import KernelCounts
from echolab.topology import Topology

LONGEST_RUN = 600.0
"""Lab seconds after which a program that a scenario waits for is ended."""

LONGEST_START = 20.0
"""Lab seconds within which a program must listen."""

POLL = 0.01
"""Lab seconds between two checks what a host listens on."""


def beside(script: Path) -> Iterator[str]:
    """The texts of the Python programs that a script names and that stand beside it.

    They are as `Programs.python` hands them to a host. Raises UnicodeDecodeError.
    """
    text = script.read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r'"([^"\n]+\.py)"', text))):
        with contextlib.suppress(OSError):
            yield _named((script.parent / name).read_text(encoding="utf-8"), name)


def _named(text: str, program: str) -> str:
    """A program's text with its name at the end, for listings; the line numbers stay."""
    return f"{text}{SOURCE}{program}"


class Programs:
    """The programs of one run: those that run, those that ended.

    `folder` holds the scenario's script.
    """

    def __init__(self, network: Network, topology: Topology, folder: Path) -> None:
        self._network = network
        self._topology = topology
        self._folder = folder
        self._kernel_counts = KernelCounts(network, topology)
        self.finished: list[ProgramRun] = []
        self._running: list[Program] = []
        self._shown: dict[int, tuple[str, ...]] = {}

    def run(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = LONGEST_RUN,
        trace: bool = False,
    ) -> ProgramRun:
        """Run a program on a host to its end, or end it after `timeout` lab seconds.

        With `trace` its system calls are kept (`ProgramRun.calls`, as strace prints them).
        """
        program = self._launch(host, argv, input, environment, trace, False)
        return self._ended(program, program.wait(timeout))

    def start(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        trace: bool = False,
        keep_input: bool = False,
    ) -> RunningProgram:
        """Start a program on a host and go on; what still runs at the end is stopped."""
        program = self._launch(host, argv, input, environment, trace, keep_input)
        self._running.append(program)
        return RunningProgram(self, program)

    def python(
        self, host: str, program: str, *words: object, trace: bool = False
    ) -> RunningProgram:
        """Start a Python program that stands beside the scenario's script, and go on.

        The host need not see the file: its text is the command, `python3 -c TEXT WORDS`.
        `facts` returns what it prints as JSON. Raises BadInput if there is no such file.
        """
        path = self._folder / program
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BadInput(
                f"cannot read the program {path}: {error.strerror}",
                "name it from the folder of the scenario's script",
            ) from None
        shown = ("python3", program, *(str(word) for word in words))
        argv = ("python3", "-c", _named(text, program), *shown[2:])
        started = self._launch(host, argv, None, None, trace, False)
        self._running.append(started)
        self._shown[id(started)] = shown
        return RunningProgram(self, started)

    def until_listening(self, host: str, port: int, protocol: str = "tcp") -> None:
        """Wait until a program on a host listens on a port, on IPv4 or IPv6.

        `protocol` is "tcp" or "udp". Raises BadInput for another, and CannotRun if no
        program does within `LONGEST_START` lab seconds.
        """
        read = functools.partial(self._network.read, host)
        deadline = self._network.now() + LONGEST_START
        while port not in sockets.serving(read, protocol):
            if self._network.now() > deadline:
                raise CannotRun(
                    f"nothing listens on {protocol} port {port} of {host}",
                    "check that the program which should has not ended",
                )
            self._network.sleep(POLL)

    def _launch(
        self,
        host: str,
        argv: Sequence[str],
        input: bytes | None,
        environment: Mapping[str, str] | None,
        trace: bool,
        keep_input: bool,
    ) -> Program:
        self._topology.host(host)
        self._kernel_counts.begin(host)
        return self._network.start(
            host,
            [str(word) for word in argv],
            input=input,
            environment=environment,
            trace=trace,
            keep_input=keep_input,
        )

    def _ended(self, program: Program, finished: ProgramRun) -> ProgramRun:
        """Note that a program has ended, and what it left."""
        if program in self._running:
            self._running.remove(program)
        shown = self._shown.pop(id(program), None)
        if shown is not None:
            finished = dataclasses.replace(finished, argv=shown)
        self.finished.append(finished)
        return finished

    def stop_all(self) -> None:
        """End the programs that are still running."""
        for program in tuple(self._running):
            self._ended(program, program.stop())


class RunningProgram:
    """A program that a scenario started and has not waited for."""

    def __init__(self, programs: Programs, program: Program) -> None:
        self._programs = programs
        self._program = program

    def wait(self, timeout: float = LONGEST_RUN) -> ProgramRun:
        """Wait for its end, at most `timeout` lab seconds; then it is ended."""
        return self._finish(self._program.wait(timeout))

    def facts(self, timeout: float = LONGEST_RUN) -> Any:
        """Wait for its end and return the JSON value that it printed.

        Raises CannotRun with its last words if it failed or printed something else.
        """
        finished = self.wait(timeout)
        try:
            if finished.status == 0:
                return json.loads(finished.stdout)
        except ValueError:
            pass
        raise CannotRun(
            f"{finished.argv[1]} on {finished.host} ended with status {finished.status}: "
            f"{(finished.stderr or finished.stdout).strip()[-300:]}",
            "a program's facts are one JSON value on its standard output",
        )

    def stop(self) -> ProgramRun:
        """End it: SIGTERM, and SIGKILL one lab second later."""
        return self._finish(self._program.stop())

    def _finish(self, finished: ProgramRun) -> ProgramRun:
        return self._programs._ended(self._program, finished)

    def send(self, data: bytes) -> None:
        """Write to its standard input (started with `keep_input=True`)."""
        self._program.send(data)
