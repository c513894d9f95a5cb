"""Programs on a lab's hosts: started, waited for, stopped at the end."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from echolab.engines.contract import Finished, Network, Program
from echolab.errors import BadInput, CannotRun
from echolab.topology import Topology
from echolab.witness import Witnesses

LONGEST_RUN = 600.0
"""Lab seconds after which a program that a scenario waits for is ended."""

LONGEST_START = 20.0
"""Lab seconds that a program is given until it listens."""

POLL = 0.01
"""Lab seconds between two looks at what a host listens on."""


class Programs:
    """The programs of one run: those that run, those that ended.

    `folder` is where the scenario's script stands.
    """

    def __init__(self, network: Network, topology: Topology, folder: Path) -> None:
        self._network = network
        self._topology = topology
        self._folder = folder
        self._witnesses = Witnesses(network, topology)
        self.finished: list[Finished] = []
        self.running: list[Program] = []

    def run(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = LONGEST_RUN,
        trace: bool = False,
    ) -> Finished:
        """Run a program on a host to its end, or end it after `timeout` lab seconds.

        With `trace` its system calls are kept (`Finished.calls`, as strace prints them).
        """
        program = self._launch(host, argv, input, environment, trace, False)
        return self.ended(program, program.wait(timeout))

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
        self.running.append(program)
        return RunningProgram(self, program)

    def python(
        self, host: str, program: str, *words: object, trace: bool = False
    ) -> RunningProgram:
        """Start a Python program that stands beside the scenario's script, and go on.

        The host need not see the file: its text is the command, `python3 -c TEXT WORDS`.
        What it prints as JSON is had by `facts`. Raises BadInput where there is no such file.
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
        argv = ("python3", "-c", text, *shown[2:])
        started = self._launch(host, argv, None, None, trace, False)
        self.running.append(started)
        return RunningProgram(self, started, shown)

    def until_listening(self, host: str, port: int, protocol: str = "tcp") -> None:
        """Wait until a program on a host listens on a port, "tcp" or "udp".

        Raises CannotRun where nobody does within `LONGEST_START` lab seconds.
        """
        self._topology.host(host)
        deadline = self._network.now() + LONGEST_START
        while not listens(self._network.read(host, f"/proc/net/{protocol}"), port):
            if self._network.now() > deadline:
                raise CannotRun(
                    f"nothing listens on {protocol} port {port} of {host}",
                    "look whether the program that should has ended",
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
        if not argv:
            raise BadInput(f"no program was named to run on {host}", "give its words as a list")
        self._witnesses.begin(host)
        return self._network.start(
            host,
            [str(word) for word in argv],
            input=input,
            environment=environment,
            trace=trace,
            keep_input=keep_input,
        )

    def ended(self, program: Program, finished: Finished) -> Finished:
        """Note that a program has ended, and what it left."""
        if program in self.running:
            self.running.remove(program)
        self.finished.append(finished)
        return finished

    def stop_all(self) -> None:
        """End the programs that are still running."""
        for program in tuple(self.running):
            self.ended(program, program.stop())


class RunningProgram:
    """A program that a scenario started and has not waited for."""

    def __init__(self, programs: Programs, program: Program, shown: Sequence[str] = ()) -> None:
        self._programs = programs
        self._program = program
        self._shown = tuple(shown) or program.argv

    def wait(self, timeout: float = LONGEST_RUN) -> Finished:
        """Wait for its end, at most `timeout` lab seconds; then it is ended."""
        return self._finish(self._program.wait(timeout))

    def facts(self, timeout: float = LONGEST_RUN) -> Any:
        """Wait for its end and return the JSON value that it printed.

        Raises CannotRun with its last words where it failed or printed something else.
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

    def stop(self) -> Finished:
        """End it: SIGTERM, and SIGKILL one lab second later."""
        return self._finish(self._program.stop())

    def _finish(self, finished: Finished) -> Finished:
        shown = dataclasses.replace(finished, argv=self._shown)
        return self._programs.ended(self._program, shown)

    def send(self, data: bytes) -> None:
        """Write to its standard input (started with `keep_input=True`)."""
        self._program.send(data)


def listens(table: str, port: int) -> bool:
    """Whether /proc/net/tcp or /proc/net/udp shows a socket bound to a port without a peer.

    The columns are proc_net_tcp's (Documentation/networking/proc_net_tcp.rst): the local
    and the remote address as hexadecimal ADDRESS:PORT, and the state. A stream socket
    that listens has state 0A, a datagram socket without a peer 07.
    """
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] in ("0A", "07") and fields[1].endswith(f":{port:04X}"):
            return True
    return False
