"""Hosts as network namespaces of the kernel that this runs on: the `namespaces` engine.

The same code runs natively, as root on a kernel with netem, and inside the guest kernel
of the engine `exact`, where the time of this kernel is virtual.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import socket
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from types import TracebackType

from echolab.engines import programs, sockets
from echolab.engines.contract import (
    SEEDS_SINCE,
    Address,
    Capture,
    Interface,
    Network,
    Program,
    ProgramRun,
    Traits,
    version,
)
from echolab.engines.lives import DEAD, PAUSED, RUNNING, Lives
from echolab.engines.namespaces import addressing, capture, qdiscs, rtnetlink, sandbox, signals
from echolab.engines.namespaces.cgroups import ControlGroups
from echolab.engines.namespaces.child import Start
from echolab.engines.namespaces.hosts import FIRST_DEVICE, Wiring
from echolab.engines.namespaces.loop import EventLoop, now, ready_now
from echolab.engines.namespaces.names import hosts_files, several_addresses
from echolab.engines.namespaces.program import NamespaceProgram
from echolab.engines.namespaces.recvmmsg import Batch
from echolab.engines.namespaces.sandbox import HostRoot
from echolab.engines.namespaces.services import Services
from echolab.engines.namespaces.watching import Watching
from echolab.errors import BadInput, CannotRun
from echolab.record.values import Life
from echolab.topology import Host, Topology

TOOL_FOLDERS = ("/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin")

KEPT_OF_SERVICE = 65536
"""Characters of a service's output that the log keeps."""

Socket = socket.socket

PROCESSES, PROCESSES_PER_HOST = 64, 16
"""How many processes and threads a host of a lab may have, or all its hosts together if there
are no control groups: enough for a Java machine on each, and too few for copies of an
interpreter to fill the guest's memory."""


class NamespaceNetwork(Watching):
    """The hosts of one topology as namespaces; the contract's `Network`.

    `folder` receives the captures and `programs.log`; hosts see the `folders`; their Python finds
    the `packages`; programs start in the package named `workdir`, and may write there; `grouped`
    gives each host a control group; with `followed` there are `new_calls` of its programs; with
    `explained` their calls are in files of the folder. It must be made by root, in a process with a
    mount namespace of its own and one thread.
    """

    link_by = "netem"

    def __init__(
        self,
        topology: Topology,
        traits: Traits,
        *,
        folder: Path,
        place: Path,
        folders: Sequence[str] = (),
        packages: Sequence[str] = (),
        workdir: str = "",
        capturing: bool = True,
        grouped: bool = False,
        followed: bool = False,
        explained: bool = False,
    ) -> None:
        self.traits = traits
        self.kernel = self.link_kernel = os.uname().release
        self.seeds_links = version(self.kernel) >= SEEDS_SINCE
        self._topology = topology
        hosts = len(topology.hosts)
        most = PROCESSES + PROCESSES_PER_HOST * hosts
        self._limits = sandbox.Limits(most * hosts if grouped else most)
        self._last_capability = sandbox.last_capability()
        self._traced, self._explained = 0, explained
        self._strace = find_tool("strace") if followed or explained else None
        self._started: Counter[str] = Counter()
        self._epoch = now()
        self._running: dict[NamespaceProgram, None] = {}
        self._captures: list[capture.PacketSocket] = []
        self._captured: list[Capture] = []
        self._lives = Lives()
        self._folder, self._capturing = folder, capturing
        self._workdir = f"{sandbox.LAB}/{workdir}" if workdir else sandbox.HOME
        with contextlib.ExitStack() as undo:
            self._log = undo.enter_context((folder / "programs.log").open("a", encoding="utf-8"))
            self._loop = EventLoop()
            undo.callback(self._loop.close)
            self._services = Services(topology, self._loop, self._start_there, self._listens)
            plan = addressing.plan(topology)
            names = hosts_files(topology, plan.interfaces)
            common = names[topology.hosts[0].name]
            multi = several_addresses(names)
            root = sandbox.SharedRoot(
                str(place),
                common,
                folders,
                packages,
                workdir=workdir,
                sharers=hosts,
                multi=multi,
                mounted=topology.hosts,
            )
            undo.callback(root.close)
            own = {host: text for host, text in names.items() if text != common}
            images: Mapping[str, HostRoot] = {}
            if any(host.root or host.mounts for host in topology.hosts):
                from echolab.engines.namespaces import mounted_root

                images = mounted_root.roots(topology, str(place.parent), names, root, undo)
            wiring = Wiring(topology, plan, root, own, images)
            self._wiring = undo.enter_context(contextlib.closing(wiring))
            self.interfaces: Mapping[str, tuple[Interface, ...]] = plan.interfaces
            self.addresses: Mapping[str, Address] = plan.addresses()
            self._groups = ControlGroups(f"{place}-groups", most) if grouped else None
            if self._groups:
                undo.callback(self._groups.close)
            undo.callback(self._end_captures)
            undo.callback(self._end_programs)
            undo.callback(self._services.close)
            self._begin_captures()
            self._services.opened(self._epoch)
            self._services.bring_up(topology.hosts)
            self._undo = undo.pop_all()
        self._epoch = now()
        self._services.opened(self._epoch)

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
    ) -> NamespaceProgram:
        """Start a program on a host; see the contract."""
        where = self._topology.host(host)
        self._lives.check_running(host)
        programs.check_words(host, argv)
        start = self._start(where, tuple(argv), environment or {}, trace=trace)
        # Noted first: if the program only computes, nothing else runs once it has started.
        self._note(event="starting", host=host, argv=list(argv))
        program = NamespaceProgram(
            start,
            self._wiring.hosts[host],
            self._loop,
            self._epoch,
            self._on_end,
            input=input,
            keep_input=keep_input,
        )
        self._running[program] = None
        if start.held:
            self._follow(program)
        self._note(event="start", pid=program.pid, host=host, argv=list(argv))
        return program

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run `tc ARGUMENTS` for the link of a host; see the contract."""
        self._check_alive(host)
        at = self._wiring.hosts[host]
        said = qdiscs.perform(at.link, arguments, at.devices)
        return self._run_tc(host, arguments) if said is None else said

    def _check_alive(self, host: str) -> None:
        self._topology.host(host)
        self._lives.check_alive(host)

    def _run_tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run tc itself: for what `qdiscs` does not know and for what the kernel refuses."""
        shown, seed = _without_seed(arguments)
        words = ["tc", *shown]
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
                raise programs.tc_failed(host, arguments, said or f"status {status}")
            if seed is not None:
                self._seed(host, arguments, seed)
            return _content(out)

    def _seed(self, host: str, arguments: Sequence[str], seed: int) -> None:
        """Seed the queue that was just made; iproute2 knows the keyword only since release 6.6."""
        handle = arguments[arguments.index("handle") + 1]
        device = arguments[arguments.index("dev") + 1]
        devices = [one.device for one in self.interfaces[host]]
        index = FIRST_DEVICE + devices.index(device)
        with self._wiring.hosts[host].network(), rtnetlink.Netlink() as link:
            link.seed_netem(index, int(handle.rstrip(":"), 16) << 16, seed)

    def read(self, host: str, path: str) -> str:
        """The text of a file below /proc or /sys; see the contract."""
        self._check_alive(host)
        programs.check_readable(host, path)
        try:
            return self._wiring.hosts[host].read(path)
        except OSError as error:
            raise programs.unreadable(host, path, str(error.strerror)) from None

    def socket(self, host: str, family: int, kind: int) -> Socket:
        """A new socket of a host, for a check that plays one of the host's programs."""
        self._check_alive(host)
        with self._wiring.hosts[host].network():
            return socket.socket(family, kind)

    def ready(self, made: Socket, within: float, *, to_send: bool = False) -> bool:
        """Let at most `within` lab seconds pass until a socket can receive, or can send."""
        if within <= 0:
            return ready_now(made, to_send=to_send)
        seen: list[bool] = []
        watch = self._loop.on_writable if to_send else self._loop.on_readable
        watch(made.fileno(), lambda: seen.append(True))
        try:
            self._loop.run(now() + within, lambda: bool(seen))
        finally:
            self._loop.forget(made.fileno())
        return bool(seen)

    def processor_time(self, program: Program) -> float:
        """Lab seconds of processor time that a running program has used; see the contract."""
        return _ours(program).processor_time()

    def written(self, program: Program) -> bytes:
        """What a program wrote to standard output so far; see the contract."""
        return _ours(program).written()

    def fetch(self, host: str, path: str, name: str) -> None:
        """Copy a file of a host's into the job's folder; see the contract."""
        self._check_alive(host)
        try:
            self._wiring.hosts[host].copy_file(path, self._folder / name)
        except OSError as error:
            raise programs.unreadable(host, path, str(error.strerror)) from None

    def now(self) -> float:
        """Lab seconds since the network was opened."""
        return now() - self._epoch

    def epoch(self) -> float:
        """Seconds since 1970 at which the network was opened; see the contract."""
        return time.time() - self.now()

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""
        self._loop.run(now() + seconds)

    # --- lives of hosts

    def kill(self, host: str) -> None:
        """Take a host's power away; see the contract."""
        self._topology.host(host)
        if self._lives.dead(host):
            return
        self._services.kill(host)
        self._wiring.unplug(host)
        self._stop_capturing(host)
        for program in [one for one in self._running if one.host == host]:
            program.kill()
        signals.to_all(self._wiring.hosts[host], signal.SIGKILL)
        self._lives.set(host, DEAD)
        self._note(event="kill", host=host)

    def pause(self, host: str) -> None:
        """Stop every program of a host; see the contract."""
        self._check_alive(host)
        self._services.pause(host)
        signals.to_all(self._wiring.hosts[host], signal.SIGSTOP)
        self._lives.set(host, PAUSED)
        self._note(event="pause", host=host)

    def resume(self, host: str) -> None:
        """Let the programs of a host go on; see the contract."""
        self._check_alive(host)
        signals.to_all(self._wiring.hosts[host], signal.SIGCONT)
        self._lives.set(host, RUNNING)
        self._services.resume(host)
        self._note(event="resume", host=host)

    def restart(self, host: str, before_start: Callable[[], None] | None = None) -> None:
        """Give a host its power back; see the contract."""
        where = self._topology.host(host)
        self.kill(host)
        self._wiring.renew(host)
        self._lives.set(host, RUNNING)
        self._note(event="restart", host=host)
        if not where.shares:
            self._go_on_capturing(host)
        if before_start:
            before_start()
        self._services.bring_up((where,), ordered=False)

    @property
    def lives(self) -> Sequence[Life]:
        """What happened to services by themselves; see the contract."""
        return self._services.lives

    @property
    def gone(self) -> Set[str]:
        """No host: a host whose service has ended goes on."""
        return frozenset()

    def watch(self, ended: Callable[[str], None], revived: Callable[[str], None]) -> None:
        """Do nothing, since no host ends with its service; see the contract."""

    def captures(self) -> Sequence[Capture]:
        """Finish the captures and name their files; empty if none were requested."""
        finished, self._captured = self._captured, []
        while self._captures:
            under_way = self._captures.pop(0)
            self._loop.forget(under_way.fileno())
            finished.append(under_way.finish())
        order = self._topology.owners()
        return sorted(finished, key=lambda one: order.index(one.host))

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
        workdir = host.workdir or self._workdir
        at = self._wiring.hosts[host.name]
        if host.root is None and not at.has_folder(workdir):
            raise BadInput(f"host {host.name} has no folder {workdir}", "fix its working_dir")
        calls = ""
        if trace and (find_tool("strace") if host.root is None else at.has_tool("strace")):
            self._traced += 1
            calls = f"/run/calls-{self._traced}"
        start = Start(
            host=host.name,
            argv=argv,
            environment={**sandbox.environment(host.name), **host.environment, **environment},
            workdir=workdir,
            account=sandbox.account(host, self._topology.file),
            limits=self._limits.changed(host.limits),
            last_capability=self._last_capability,
            calls=calls,
            group=self._groups.descriptor(host.name) if self._groups else -1,
            capabilities=sandbox.numbers(host.capabilities),
            stream=self._next_stream(host.name),
            executed=self._explained,
            held=bool(self._strace and not calls),
        )
        if host.root is None:
            return start
        from echolab.engines.namespaces import image_root

        return image_root.start(start, host, environment)

    def _next_stream(self, host: str) -> int:
        """The random stream of a host's next program, whatever runs on other hosts."""
        self._started[host] += 1
        return zlib.crc32(host.encode()) << 32 | self._started[host]

    def _start_there(self, host: Host, argv: Sequence[str]) -> NamespaceProgram:
        return self.start(host.name, argv)

    def _listens(self, host: str) -> bool:
        """Whether something on a host listens for clients."""
        read = functools.partial(self.read, host)
        return any(True for protocol in sockets.PROTOCOLS for _ in sockets.serving(read, protocol))

    def _on_end(self, program: NamespaceProgram, finished: ProgramRun) -> None:
        self._running.pop(program, None)
        facts = {"host": program.host, "argv": list(program.argv), "status": finished.status}
        if self._services.is_service(program):
            facts["stdout"] = finished.stdout[:KEPT_OF_SERVICE]
            facts["stderr"] = finished.stderr[:KEPT_OF_SERVICE]
        self._note(event="end", pid=program.pid, **facts)
        self._services.ended(program, finished)

    def _end_programs(self) -> None:
        for program in tuple(self._running):
            program.kill()
        self._end_following()

    def _note(self, **facts: object) -> None:
        self._log.write(json.dumps({"at": self.now(), **facts}) + "\n")
        self._log.flush()

    # --- captures

    def _begin_captures(self) -> None:
        if self._capturing:
            self._batch = Batch()
        for name in self._topology.owners():
            self._captures += self._capture(name)

    def _capture(
        self, host: str, earlier: Sequence[Capture] = ()
    ) -> Sequence[capture.PacketSocket]:
        at, interfaces = self._wiring.hosts[host], self.interfaces[host]
        if not self._capturing:
            capture.stand_ins(at, interfaces)
            return ()
        found = capture.captures(host, at, interfaces, self._folder, self._batch, earlier)
        for begun in found:
            self._loop.drain_with(begun.fileno(), begun.drain)
        return found

    def _stop_capturing(self, host: str) -> None:
        """Finish the captures of a host that dies: its kernel goes on only until we forget it."""
        for under_way in [one for one in self._captures if one.captured.host == host]:
            self._captures.remove(under_way)
            self._loop.forget(under_way.fileno())
            self._captured.append(under_way.finish())

    def _go_on_capturing(self, host: str) -> None:
        """Capture on the new devices of a host, into the files of the old ones."""
        earlier = [one for one in self._captured if one.host == host]
        self._captured = [one for one in self._captured if one.host != host]
        self._captures += self._capture(host, earlier)

    def _end_captures(self) -> None:
        while self._captures:
            begun = self._captures.pop()
            self._loop.forget(begun.fileno())
            begun.close()


def _without_seed(arguments: Sequence[str]) -> tuple[Sequence[str], int | None]:
    """The words of a tc command without `seed N` at their end, and N."""
    if "netem" in arguments and arguments[-2] == "seed":
        return arguments[:-2], int(arguments[-1])
    return arguments, None


def find_tool(name: str) -> str | None:
    """The path of a program if this machine has it."""
    paths = (f"{folder}/{name}" for folder in TOOL_FOLDERS)
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def tool(name: str) -> str:
    """The path of a program of iproute2's that the engine needs; CannotRun if it is missing."""
    path = find_tool(name)
    if path is None:
        raise CannotRun(f"there is no {name} on this machine", "apt-get install iproute2")
    return path


def _ours(program: Program) -> NamespaceProgram:
    if isinstance(program, NamespaceProgram):
        return program
    raise TypeError(f"{program} was not started on this network")


def _content(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, encoding="utf-8", errors="replace", closefd=False) as file:
        return file.read()
