"""The submission as a case drives it: started on hosts, its end and its output expected."""

from __future__ import annotations

from echolab.classroom import shown
from echolab.classroom.testbed import Testbed, Unmet
from echolab.engines.contract import Finished
from echolab.errors import BadInput, CannotRun, EcholabError
from echolab.programs import RunningProgram

SIGNALS = {
    6: "SIGABRT: it gave up by itself",
    8: "SIGFPE: a division by zero",
    9: "SIGKILL: for too much memory or output, or by itself",
    11: "SIGSEGV: it used memory that it does not have",
    13: "SIGPIPE: it sent to a connection that was gone",
    15: "SIGTERM: it was asked to end",
    25: "SIGXFSZ: it wrote too large a file",
}
"""What the signals mean that end programs here; see signal(7)."""

WITHIN = 30.0
"""Lab seconds in which a program that should end does, unless a case says otherwise."""


class Submission:
    """A student's program, built; every start is a new process on a host."""

    def __init__(self, testbed: Testbed, argv: tuple[str, ...], trace: bool) -> None:
        if not argv:
            raise BadInput("a case needs a program", "use ./lab check EXERCISE SUBMISSION")
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
            raise self._not_started(error) from None
        self._testbed.step(f"started on {host}: {' '.join(('main', *words))}")
        running = Running(self._testbed, program, host)
        self._started.append(running)
        return running

    def _not_started(self, error: EcholabError) -> Exception:
        """Whose fault it is: this machine's for a language that it lacks, else the program's."""
        if "/" not in self._argv[0]:
            return CannotRun(error.message, error.remedy)
        return Unmet("the program starts", "a program that can be executed", error.message)

    def endings(self) -> list[str]:
        """What has become of each program that was started; what still runs is ended."""
        return [f"on {running.host}: {running.ending()}" for running in self._started]

    def run(
        self, host: str, *arguments: object, input: bytes | None = None, within: float = WITHIN
    ) -> Finished:
        """Start the program and expect that it ends by itself in time, whatever its status."""
        return self.start(host, *arguments, input=input).ends(within=within)


class Running:
    """The student's program while it runs."""

    def __init__(self, testbed: Testbed, program: RunningProgram, host: str) -> None:
        self._testbed = testbed
        self._program = program
        self._host = host
        self._finished: Finished | None = None

    @property
    def host(self) -> str:
        """Where it runs."""
        return self._host

    def ending(self) -> str:
        """What has become of it, in words; if it still runs, it is ended."""
        if self._finished is None:
            self._finished = self._program.wait(0.0)
            if self._finished.status is None:
                return "it was still running"
        return f"it {_ending(self._finished)}"

    def ends(self, *, within: float = WITHIN) -> Finished:
        """Expect that the program ends by itself within so many lab seconds."""
        finished = self._finished = self._program.wait(within)
        if finished.status is None:
            raise Unmet(
                f"the program on {self._host} ends by itself",
                f"its end within {within:g} s",
                f"it still ran; so far it had printed {shown.octets(finished.stdout.encode())}",
            )
        self._testbed.step(f"the program on {self._host} {_ending(finished)}")
        return finished

    def succeeds(self, output: str | None = None, *, within: float = WITHIN) -> Finished:
        """Expect that the program ends with status 0, and prints exactly `output`."""
        finished = self.ends(within=within)
        if finished.status != 0:
            raise Unmet(
                f"the program on {self._host} succeeds",
                "exit status 0",
                f"it {_ending(finished)}{_last_words(finished)}",
            )
        if output is not None:
            self._testbed.expect_bytes(
                f"what the program on {self._host} printed",
                finished.stdout.encode(),
                output.encode(),
            )
        return finished

    def gives_up(self, *, within: float = WITHIN) -> Finished:
        """Expect that the program reports failure by exit status 1."""
        finished = self.ends(within=within)
        if finished.status != 1:
            raise Unmet(
                f"the program on {self._host} reports that it failed",
                "exit status 1",
                f"it {_ending(finished)}",
            )
        return finished

    def stop(self) -> Finished:
        """End the program as an administrator does: SIGTERM, then SIGKILL."""
        finished = self._finished = self._program.stop()
        self._testbed.step(f"stopped the program on {self._host}")
        return finished

    def send(self, data: bytes) -> None:
        """Write to the program's standard input."""
        self._program.send(data)
        self._testbed.step(f"wrote {shown.octets(data)} to its standard input")


def _ending(finished: Finished) -> str:
    if finished.status is None:
        return "did not end"
    if finished.status < 0:
        number = -finished.status
        return f"was ended by signal {number} ({SIGNALS.get(number, 'see signal(7)')})"
    return f"ended with status {finished.status}"


def _last_words(finished: Finished) -> str:
    lines = finished.stderr.strip().splitlines()
    return f", saying: {lines[-1][:200]}" if lines else ""
