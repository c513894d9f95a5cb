"""Hosts as network namespaces of the kernel that this runs on: the `namespaces` engine.

The same code runs natively, as root on a kernel with netem, and inside the guest kernel
of the engine `exact`, where the time of this kernel is virtual.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from echolab.engines import capture, sandbox
from echolab.engines.child import Start
from echolab.engines.contract import Address, Captured, Finished, Network
from echolab.engines.groups import Groups
from echolab.engines.hosts import Wiring, addresses
from echolab.engines.packets import Batch
from echolab.engines.programs import RunningProgram
from echolab.engines.pump import Pump, now
from echolab.errors import BadInput, CannotRun
from echolab.topology import Host, Topology

if TYPE_CHECKING:
    from echolab.engines import Lack, Progress, Settings
    from echolab.job import Job

NAME = "namespaces"

TOOL_FOLDERS = ("/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin")

LONGEST_START = 5.0
"""Lab seconds that the services are given until they listen."""

FIRST_LOOK, LAST_LOOK = 0.001, 0.1
"""Lab seconds between two looks at what listens: twice as long each time."""

SETTLING = 0.01
"""Lab seconds for what services do behind listening, starting their threads for example."""

LISTENING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""The state of a socket that waits for clients, in /proc/net (kernel: net/tcp_states.h)."""

KEPT_OF_SERVICE = 65536
"""Characters of a service's output that the log keeps."""

Socket = socket.socket

PROCESSES, PROCESSES_PER_HOST = 64, 16
"""How many processes and threads a host of a lab may have, in control groups of their own, or
all its hosts together where there are none: enough for a Java machine on each, and too few
for copies of an interpreter to fill the guest's memory."""


def lack(settings: Settings) -> Lack | None:
    """None where this machine can run the engine: it takes root and a kernel with netem."""
    from echolab.engines import native

    return native.lack()


def run(job: Job, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Perform one job on this kernel and return its record; see `echolab.engines.Engine`."""
    from echolab.engines import native

    return native.run(job, settings, progress)


class NamespaceNetwork:
    """The hosts of one topology as namespaces; the contract's `Network`.

    `folder` takes the captures and `programs.log`; `folders` are shown to the hosts;
    `packages` are packages that the hosts' Python finds; `grouped` gives each host a control
    group. It must be made by root, in a process with a mount namespace of its own and one
    thread.
    """

    link_by = "netem"

    def __init__(
        self,
        topology: Topology,
        *,
        folder: Path,
        place: Path,
        folders: Sequence[str] = (),
        packages: Sequence[str] = (),
        capturing: bool = True,
        grouped: bool = False,
    ) -> None:
        self.kernel = self.link_kernel = os.uname().release
        self.addresses: Mapping[str, Address] = addresses(topology)
        self._topology = topology
        most = PROCESSES + PROCESSES_PER_HOST * len(topology.hosts)
        self._limits = sandbox.Limits(most * len(topology.hosts) if grouped else most)
        self._last_capability = sandbox.last_capability()
        self._traced = 0
        self._epoch = now()
        self._running: dict[RunningProgram, None] = {}
        self._services: list[RunningProgram] = []
        self._captures: list[capture.Capture] = []
        with contextlib.ExitStack() as undo:
            self._log = undo.enter_context(_log(folder))
            self._pump = Pump()
            undo.callback(self._pump.close)
            root = sandbox.SharedRoot(
                str(place), sandbox.hosts_file(self.addresses), folders, packages
            )
            undo.callback(root.close)
            self._wiring = undo.enter_context(contextlib.closing(Wiring(topology, root)))
            groups: Mapping[str, int] = {}
            if grouped:
                made = Groups(f"{place}-groups", topology.names(), most)
                groups = undo.enter_context(contextlib.closing(made)).descriptors
            self._groups = groups
            undo.callback(self._end_captures)
            undo.callback(self._end_programs)
            if capturing:
                self._begin_captures(folder)
            self._start_services()
            self._undo = undo.pop_all()
        self._epoch = now()

    # --- what the contract asks for

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
        """Start a program on a host; see the contract."""
        where = self._topology.host(host)
        start = self._start(where, tuple(argv), environment or {}, trace=trace)
        # Said before, since a program that computes at once lets nobody say it after.
        self._note(event="starting", host=host, argv=list(argv))
        program = RunningProgram(
            *(start, self._wiring.hosts[host], self._pump, self._epoch, self._on_end),
            input=input,
            keep_input=keep_input,
        )
        self._running[program] = None
        self._note(event="start", pid=program.pid, host=host, argv=list(argv))
        return program

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run `tc ARGUMENTS` for the link of a host; see the contract."""
        self._topology.host(host)
        words = ["tc", *arguments]
        with contextlib.ExitStack() as undo:
            out, err = (os.memfd_create(name) for name in ("out", "err"))
            undo.callback(os.close, out)
            undo.callback(os.close, err)
            actions = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
            with self._wiring.hosts[host].network():
                pid = os.posix_spawn(
                    tool("tc"), words, {"PATH": ":".join(TOOL_FOLDERS)}, file_actions=actions
                )
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            said = _content(err).strip()
            if status != 0:
                raise CannotRun(f"{' '.join(words)} on {host}: {said or f'status {status}'}")
            return _content(out)

    def read(self, host: str, path: str) -> str:
        """The text of a file below /proc or /sys; see the contract."""
        self._topology.host(host)
        if not path.startswith(("/proc/", "/sys/")):
            raise BadInput(f"read of {path} on {host}", "name a file below /proc or /sys")
        try:
            return self._wiring.hosts[host].read(path)
        except OSError as error:
            raise BadInput(f"cannot read {path} on {host}: {error.strerror}") from None

    def socket(self, host: str, family: int, kind: int) -> Socket:
        """A new socket of a host, for a check that plays one of the host's programs."""
        self._topology.host(host)
        with self._wiring.hosts[host].network():
            return socket.socket(family, kind)

    def ready(self, made: Socket, within: float, *, to_send: bool = False) -> bool:
        """Let at most `within` lab seconds pass until a socket can receive, or can send."""
        seen: list[bool] = []
        watch = self._pump.on_writable if to_send else self._pump.on_readable
        watch(made.fileno(), lambda: seen.append(True))
        try:
            self._pump.run(now() + within, lambda: bool(seen))
        finally:
            self._pump.forget(made.fileno())
        return bool(seen)

    def now(self) -> float:
        """Lab seconds since the network was opened."""
        return now() - self._epoch

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""
        self._pump.run(now() + seconds)

    def captures(self) -> Sequence[Captured]:
        """Finish the captures and name their files; empty where none were asked for."""
        finished = []
        while self._captures:
            under_way = self._captures.pop(0)
            self._pump.forget(under_way.fileno())
            finished.append(under_way.finish())
        return finished

    def close(self) -> None:
        """Release everything; a second call does nothing."""
        self._undo.close()

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- programs

    def _start(
        self, host: Host, argv: tuple[str, ...], environment: Mapping[str, str], *, trace: bool
    ) -> Start:
        calls = ""
        if trace and find_tool("strace"):
            self._traced += 1
            calls = f"/run/calls-{self._traced}"
        return Start(
            host=host.name,
            argv=argv,
            environment={**_environment(host.name), **host.environment, **environment},
            workdir=host.workdir or sandbox.HOME,
            account=sandbox.account(host.user, f"{self._topology.file}: {host.name}"),
            limits=self._limits,
            last_capability=self._last_capability,
            calls=calls,
            group=self._groups.get(host.name, -1),
        )

    def _start_services(self) -> None:
        for host in self._topology.hosts:
            if host.command and not host.idle:
                self._services.append(self.start(host.name, host.command))
        until = now() + LONGEST_START
        look = FIRST_LOOK
        while now() < until and not all(map(self._ready, self._services)):
            self._pump.run(now() + look)
            look = min(2 * look, LAST_LOOK)
        if self._services:
            self._pump.run(now() + SETTLING)

    def _ready(self, service: RunningProgram) -> bool:
        """Whether a service waits for clients, or has ended."""
        if service not in self._running:
            return True
        host = self._wiring.hosts[service.host]
        return any(
            _listens(host.read(f"/proc/net/{kind}"), state) for kind, state in LISTENING.items()
        )

    def _on_end(self, program: RunningProgram, finished: Finished) -> None:
        self._running.pop(program, None)
        facts = {"host": program.host, "argv": list(program.argv), "status": finished.status}
        if program in self._services:
            facts["stdout"] = finished.stdout[:KEPT_OF_SERVICE]
            facts["stderr"] = finished.stderr[:KEPT_OF_SERVICE]
        self._note(event="end", pid=program.pid, **facts)

    def _end_programs(self) -> None:
        for program in tuple(self._running):
            program.kill()

    def _note(self, **facts: object) -> None:
        self._log.write(json.dumps({"at": self.now(), **facts}) + "\n")
        self._log.flush()

    # --- captures

    def _begin_captures(self, folder: Path) -> None:
        batch = Batch()
        for name, host in self._wiring.hosts.items():
            for begun in capture.captures(name, host, folder, batch):
                self._captures.append(begun)
                self._pump.drain_with(begun.fileno(), begun.drain)

    def _end_captures(self) -> None:
        while self._captures:
            begun = self._captures.pop()
            self._pump.forget(begun.fileno())
            begun.close()


def find_tool(name: str) -> str | None:
    """The path of a program where this machine has it."""
    paths = (f"{folder}/{name}" for folder in TOOL_FOLDERS)
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def tool(name: str) -> str:
    """The path of a program that the engine itself needs. Raises CannotRun without it."""
    path = find_tool(name)
    if path:
        return path
    packages = {"tc": "iproute2"}
    raise CannotRun(
        f"there is no {name} on this machine", f"apt-get install {packages.get(name, name)}"
    )


def _listens(table: str, state: str) -> bool:
    """Whether a table of /proc/net has a socket in that state."""
    return any(line.split()[3] == state for line in table.splitlines()[1:])


def _environment(host: str) -> dict[str, str]:
    """The environment that every program has, the same on every machine and in every run."""
    return {
        "PATH": sandbox.search_path(),
        "HOME": sandbox.HOME,
        "HOSTNAME": host,
        "USER": "lab",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": sandbox.LAB,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _content(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, encoding="utf-8", errors="replace", closefd=False) as file:
        return file.read()


def _log(folder: Path) -> IO[str]:
    return open(folder / "programs.log", "a", encoding="utf-8")
