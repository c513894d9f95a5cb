"""The submission as a case drives it: start it on hosts, expect its output and its end."""

from __future__ import annotations

import functools

from echolab.classroom import formatting
from echolab.classroom.expectation import Unmet
from echolab.classroom.testbed import Testbed
from echolab.engines.contract import ProgramRun
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.scenario.programs import RunningProgram

SIGNALS = {
    6: "SIGABRT: it gave up by itself",
    8: "SIGFPE: a division by zero",
    9: "SIGKILL: with its host, for too much memory or output, or by itself",
    11: "SIGSEGV: it used memory that it does not have",
    13: "SIGPIPE: it sent to a connection that was gone",
    15: "SIGTERM: it was asked to end",
    25: "SIGXFSZ: it wrote too large a file",
}
"""What the signals mean that end programs here; see signal(7)."""

WITHIN = 30.0
"""Lab seconds within which a program must end, unless a case says otherwise."""


class Submission:
    """A student's program, built; every start is a new process on a host."""

    def __init__(self, testbed: Testbed, argv: tuple[str, ...], trace: bool) -> None:
        if not argv:
            raise BadInput("a case needs a program to check", "name a submission")
        self._testbed = testbed
        self._argv = argv
        self._trace = trace
        self._started: list[Running] = []

    def start(
        self,
        host: str,
        *arguments: object,
        input: bytes | None = None,
        keep_input: bool = False,
    ) -> Running:
        """Start the program on a host with these arguments and go on."""
        words = tuple(map(str, arguments))
        try:
            program = self._testbed.lab.start(
                host,
                (*self._argv, *words),
                input=input,
                trace=self._trace,
                keep_input=keep_input,
            )
        except EcholabError as error:
            raise self._not_started(error, host) from None
        self._testbed.step(f"started on {host}: {' '.join(('main', *words))}")
        running = Running(self._testbed, program, host)
        self._started.append(running)
        self._testbed.started.append((host, running.last_words))
        return running

    def serve(self, host: str, *arguments: object, port: int, protocol: str = "udp") -> None:
        """Start the program as a service of a host, and again whenever the host is restarted.

        Expects that it serves the port, now and when clients have worked (`Testbed.workload`).
        """
        start = functools.partial(self.start, host, *arguments)
        start()
        self._testbed.wait_for_port(host, port, protocol)
        self._testbed.lab.at_restart(host, start)
        self._testbed.services[host] = (port, protocol)

    def _not_started(self, error: EcholabError, host: str) -> Exception:
        """Whose fault it is: this machine's if it lacks the language or hides the file."""
        hidden = "Permission denied" in error.message
        if hidden and not any(running.host == host for running in self._started):
            return CannotRun(
                f"{host} may not read the submission that it was shown", "run ./lab doctor"
            )
        if "/" not in self._argv[0]:
            return CannotRun(error.message, error.remedy)
        expected = "a program that can be executed on Linux, x86-64"
        return Unmet("the program starts", expected, error.message, question="")

    def endings(self) -> list[str]:
        """How each program that was started ended; ends those that still run."""
        return [f"on {running.host}: " + running.ending() for running in self._started]

    def run(
        self, host: str, *arguments: object, input: bytes | None = None, within: float = WITHIN
    ) -> ProgramRun:
        """Start the program and expect that it ends by itself in time, whatever its status."""
        return self.start(host, *arguments, input=input).ends(within=within)


class Running:
    """The student's program while it runs."""

    def __init__(self, testbed: Testbed, program: RunningProgram, host: str) -> None:
        self._testbed = testbed
        self._program = program
        self._host = host
        self._finished: ProgramRun | None = None

    @property
    def host(self) -> str:
        """Where it runs."""
        return self._host

    def ending(self) -> str:
        """How it ended, in words; ends it if it still runs."""
        if self._finished is None:
            self._finished = self._program.wait(0.0)
            if self._finished.status is None:
                return "it was still running"
        return "it " + _ending(self._finished)

    def last_words(self) -> str:
        """How it ended and what it said last, in words; ends it, and is empty, if it still runs."""
        ending = self.ending()
        if self._finished is None or self._finished.status is None:
            return ""
        return ending + _last_words(self._finished)

    def ends(self, *, within: float = WITHIN) -> ProgramRun:
        """Expect the program to end by itself within this many lab seconds."""
        finished = self._finished = self._program.wait(within)
        if finished.status is None:
            raise Unmet(
                f"the program on {self._host} ends by itself",
                f"its end within {within:g} s",
                "it still ran; so far it had printed "
                f"{formatting.octets(finished.stdout.encode())}",
            )
        self._testbed.step(f"the program on {self._host} " + _ending(finished))
        return finished

    def succeeds(self, output: str | bytes | None = None, *, within: float = WITHIN) -> ProgramRun:
        """Expect that the program ends with status 0, and prints exactly `output`."""
        finished = self.ends(within=within)
        if finished.status != 0:
            raise Unmet(
                f"the program on {self._host} succeeds",
                "exit status 0",
                "it " + _ending(finished) + _last_words(finished),
            )
        if output is not None:
            self._testbed.expect_bytes(
                f"what the program on {self._host} printed",
                self._testbed.written(self._program),
                output.encode() if isinstance(output, str) else output,
            )
        return finished

    def gives_up(self, *, within: float = WITHIN) -> ProgramRun:
        """Expect that the program reports failure by exit status 1."""
        finished = self.ends(within=within)
        if finished.status != 1:
            raise Unmet(
                f"the program on {self._host} reports that it failed",
                "exit status 1",
                "it " + _ending(finished),
            )
        return finished

    def waits(self, seconds: float = 5.0) -> None:
        """Expect that the program waits while nobody asks it for anything.

        A program that asks again and again instead uses the processor all the time.
        """
        try:
            before = self._testbed.processor_time(self._program)
            self._testbed.sleep(seconds)
            used = self._testbed.processor_time(self._program) - before
        except ProcessLookupError:
            raise Unmet(
                f"the program on {self._host} waits while no client asks for anything",
                "a program that runs on",
                self.last_words(),
            ) from None
        if used > seconds / 2:
            raise Unmet(
                f"the program on {self._host} waits while no client asks for anything",
                "next to no processor time",
                f"{used:.1f} s of processor time in {seconds:g} s",
            )

    def stop(self) -> ProgramRun:
        """End the program as an administrator does: SIGTERM, then SIGKILL."""
        finished = self._finished = self._program.stop()
        self._testbed.step(f"stopped the program on {self._host}")
        return finished

    def send(self, data: bytes) -> None:
        """Write to the program's standard input."""
        self._program.send(data)
        self._testbed.step(f"wrote {formatting.octets(data)} to its standard input")


def _ending(finished: ProgramRun) -> str:
    if finished.status is None:
        return "did not end"
    if finished.status < 0:
        number = -finished.status
        return f"was ended by signal {number} ({SIGNALS.get(number, 'see signal(7)')})"
    return f"ended with status {finished.status}"


def _last_words(finished: ProgramRun) -> str:
    lines = finished.stderr.strip().splitlines()
    return f", saying: {lines[-1][:200]}" if lines else ""
