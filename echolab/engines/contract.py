"""What every engine does: hosts up and down, programs, `tc`, time, captures.

Everything above this contract is written once, and tests/engines/test_contract.py tests every
engine against it. An engine is a module (see `echolab.engines.registry`); for a job it opens a
`Network`, the hosts of one topology.
"""

from __future__ import annotations

import dataclasses
import re
import socket
from collections.abc import Callable, Mapping, Sequence, Set
from types import TracebackType
from typing import Protocol, TextIO, runtime_checkable

from echolab.record.values import Capture, Life, ProgramRun, Traits

__all__ = [
    "Address",
    "Capture",
    "Interface",
    "Network",
    "PeerNetwork",
    "Program",
    "ProgramRun",
    "Traits",
    "version",
]


Socket = socket.socket


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a host is on a network: `ip` (version 4, "" without), `ip6` or None, `mac`."""

    ip: str
    mac: str
    ip6: str | None = None

    def all(self) -> tuple[str, ...]:
        """Its addresses of both IP versions, as many as there are."""
        return tuple(filter(None, (self.ip, self.ip6)))


@dataclasses.dataclass(frozen=True)
class Interface:
    """A host's connection to a network: the network's name, the host's device and addresses."""

    network: str
    device: str
    address: Address


def capture_file(host: str, interface: Interface, where: str, of: int) -> str:
    """The name of a capture's file; it includes the network if the host is on several (`of`)."""
    network = f".{interface.network}" if of > 1 else ""
    return f"{host}{network}.{where}.pcap"


SEEDS_SINCE = (6, 6)
"""The first releases of Linux and of iproute2 that know the seed of a netem queue."""


RELEASE = re.compile(r"(\d+)\.(\d+)")


def version(release: str) -> tuple[int, int]:
    """The first two numbers of a kernel's release: (7, 3) for "7.3.4" and for "7.3-rc1"."""
    found = RELEASE.match(release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Program(Protocol):
    """A program that was started on a host.

    It has the host's user, working folder and environment, and a session of its own (setsid(2)).
    When it ends, everything that it started and that is still in that session is killed.

    It may write `echolab.engines.programs.MOST_OUTPUT` bytes to standard output and as many
    to standard error. One that writes more is killed (SIGKILL), and the end of its standard
    error says so; what it wrote until then is kept. Bytes that are not UTF-8 are replaced by
    U+FFFD.
    """

    host: str
    argv: tuple[str, ...]

    def wait(self, timeout: float | None = None) -> ProgramRun:
        """Wait for the end and return how the program ended; a second call returns the same.

        After `timeout` lab seconds the program is killed, and its status is None.
        """

    def stop(self) -> ProgramRun:
        """End the program: SIGTERM, and SIGKILL after `TERM_GRACE` lab seconds.

        A program that has already ended is left alone.
        """

    def send(self, data: bytes) -> None:
        """Write to the program's standard input, without waiting until it is read.

        What the program does not read before it ends is dropped. Raises BadInput if
        standard input was not kept open.
        """


class Network(Protocol):
    """The hosts of one topology, up, their services running; closed, they are gone.

    Every method that takes a host's name raises BadInput for one that the topology lacks.
    """

    traits: Traits

    link_by: str
    """`netem` if this kernel shapes the links, `appliance` if a booted one does."""

    kernel: str
    """Release of the kernel that the hosts run on, as `uname -r` prints it."""

    link_kernel: str
    """Release of the kernel that shapes the links."""

    seeds_links: bool
    """Whether a link can be given the seed of its own chance (tc-netem(8), `seed`)."""

    addresses: Mapping[str, Address]
    """Where each host is on its first network; `ip` and `mac` are empty for a host without one."""

    interfaces: Mapping[str, tuple[Interface, ...]]
    """Every host's devices on networks, in the host's order. A host that shares another host's
    network has that host's devices."""

    @property
    def lives(self) -> Sequence[Life]:
        """What happened to the hosts' services by themselves, in order: that they ended and were
        started again, became healthy or unhealthy."""

    @property
    def gone(self) -> Set[str]:
        """Hosts that are gone because their service ended before all hosts were up."""

    def watch(self, ended: Callable[[str], None], revived: Callable[[str], None]) -> None:
        """Have `ended` called when a host has ended with its service, and `revived` when its
        service is about to start again, as `before_start` of `restart`. Both are called within
        other calls of this network, and neither for a host that goes on without its service.
        """

    def start(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        trace: bool = False,
        keep_input: bool = False,
    ) -> Program:
        """Start a program on a host, and return when it has been executed.

        Its standard input ends at once, or after `input`; with `keep_input` it stays open for
        `Program.send`. `environment` is added to the host's own. With `trace` its system calls
        are recorded, if the host has strace(1).

        Raises BadInput if the program is missing, is not executable or is a folder, and if a word
        has a NUL byte in it.
        """

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run `tc ARGUMENTS` for the links of a host and return its standard output.

        A link has the name of the host's device (`interfaces`). Raises CannotRun with tc's own
        words if it fails.
        """

    def read(self, host: str, path: str) -> str:
        """The text of a file below /proc or /sys as the host's network namespace has it.

        Raises BadInput for a path anywhere else, and for a file that cannot be read.
        """

    def kill(self, host: str) -> None:
        """Take a host's power away: nothing runs on it any more, and it falls silent.

        Its programs end by SIGKILL. No packet leaves it from then on, not even one that closes a
        connection, and packets sent to it are lost. What its programs wrote to its disk stays. What
        is in memory is gone, the kernel's too: connections, counters, what `tc` set up. Until
        `restart`, every other call for the host raises BadInput. A host that is already dead stays
        dead.
        """

    def pause(self, host: str) -> None:
        """Stop every program of a host; its kernel goes on.

        So it still answers pings and acknowledges what fits into a socket's buffer, like a machine
        whose programs are stopped (SIGSTOP). Until `resume` no program can be started on it. Raises
        BadInput for a dead host; a paused host stays paused.
        """

    def resume(self, host: str) -> None:
        """Let the programs of a paused host go on; a host that runs is left alone.

        Raises BadInput for a dead host.
        """

    def restart(self, host: str, before_start: Callable[[], None] | None = None) -> None:
        """Give a host its power back, after `kill` if it is not dead, and await its service.

        Its addresses, disk and environment are as before, its kernel's counters are new, and its
        link is not shaped. `before_start` is called when `tc` works again, before any program of
        the host can send. Programs that a scenario started are not started again. Raises CannotRun
        if the service ends at once or does not get ready.
        """

    def now(self) -> float:
        """Lab seconds since the network was opened; never less than before."""

    def epoch(self) -> float:
        """Seconds since 1970, as the captures count them, at which the network was opened."""

    def sleep(self, seconds: float) -> None:
        """Let at least this many lab seconds pass."""

    def captures(self) -> Sequence[Capture]:
        """Finish the captures and name their files; empty if no captures were requested.

        There are two for each device of each host, in the order of the topology. Packets that a
        capture lost are not an error: `Capture.lost` counts them.
        """

    def close(self) -> None:
        """Release everything; a second call does nothing."""

    def __enter__(self) -> Network: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class PeerNetwork(Network, Protocol):
    """A network on which this process can itself play a host's program."""

    def socket(self, host: str, family: int, kind: int) -> Socket:
        """A new socket on a host; the caller closes it."""

    def ready(self, made: Socket, within: float, *, to_send: bool = False) -> bool:
        """Let lab time pass until a socket can receive, or send; False if it cannot in time.

        The hosts' programs are served meanwhile, which a blocking call would prevent.
        """

    def processor_time(self, program: Program) -> float:
        """Lab seconds of processor time that a running program has used (proc_pid_stat(5)).

        Raises ProcessLookupError if it has ended.
        """

    def written(self, program: Program) -> bytes:
        """What a program wrote to standard output so far, byte for byte."""

    def fetch(self, host: str, path: str, name: str) -> None:
        """Copy a regular file of a host, named by its absolute path, to `name` in the job's folder.

        Raises BadInput if it cannot be read.
        """


@runtime_checkable
class WatchedNetwork(PeerNetwork, Protocol):
    """A network that somebody can watch, and interfere with, while a scenario runs on it."""

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Call `action` at a lab second, or later when the lab next waits for something."""

    def exactly_at(self, moment: float, action: Callable[[], None]) -> None:
        """Call `action` at a lab second, to the nanosecond if the lab waits for something then."""

    def drop_packet(self, host: str, network: str, packet: bytes, number: int) -> None:
        """Let one packet die, when it has left a host's link to a network.

        It is the one with that `number`, from 1 on, of those that leave from now on and begin
        with the bytes `packet`, from the network's header on. Raises BadInput if the host is not
        on that network.
        """

    def delay_packet(
        self, host: str, network: str, packet: bytes, number: int, seconds: float
    ) -> None:
        """Hold one packet up for so many lab seconds, when it has left a host's link.

        The packet is named, and an error raised, as in `drop_packet`.
        """

    def save(self) -> None:
        """Have every packet that was captured so far in the captures' files."""

    def new_calls(self) -> Mapping[Program, str]:
        """For each program so far the system calls since the last time, as strace(1) prints them.

        The last line may go on the next time. Empty for a network whose programs' calls are not
        followed.
        """

    def running(self) -> Sequence[Program]:
        """The programs that run now, hosts' services among them."""

    def open_file(self, name: str) -> TextIO:
        """A new file in the run's folder; whoever asked for it closes it."""
