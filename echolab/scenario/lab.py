"""What a scenario uses: shape links, send traffic, state claims."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echolab.engines import sockets
from echolab.engines.contract import Address, Network, Program, ProgramRun, version
from echolab.errors import BadInput, CannotRun
from echolab.link import Link
from echolab.record import Fault, Json, Life, Note, Probe
from echolab.record.format import as_json
from echolab.record.probe_events import read_probe
from echolab.scenario.claims import Claims
from echolab.scenario.faults import Faults
from echolab.scenario.kernel_counts import KernelCount
from echolab.scenario.measurement import Measurement
from echolab.scenario.programs import Programs
from echolab.scenario.shaping import Shaping
from echolab.scenario.workloads import Workloads
from echolab.schedule import Schedule
from echolab.topology import Topology

if TYPE_CHECKING:
    import random

PROTOCOLS = ("udp", "tcp", "tcp-connect")

ECHO_PORT = 7
"""The port of the echo service (RFC 862)."""

MOST_MESSAGES = 80_000
"""The most messages of a probe: its output, one line for each, must fit into what an engine keeps
(16 MiB)."""

VIRTUAL_PRECISION = 20e-6
"""Seconds by which a time may miss theory in virtual time: each reading of the clock costs 256 ns
there, and a round trip with its system calls reads it a few dozen times."""

REAL_PRECISION = 3e-3
"""Seconds by which a median may miss theory on a real machine whose processors are shared: a link
by the appliance costs up to 0.35 ms for each packet, and connect and echo cross four."""


class PendingProbe:
    """A probe that is under way; `wait` gives its result."""

    def __init__(self, lab: Lab, program: Program, started: float, counted: KernelCount) -> None:
        self._lab = lab
        self._program = program
        self._started = started
        self._counted = counted
        self._result: Probe | None = None

    def wait(self) -> Probe:
        """Wait for the last answer and return what was seen."""
        if self._result is None:
            self._result = self._lab._finish_probe(self._program, self._started, self._counted)
        return self._result


class Lab(Workloads):
    """The lab of one run: its hosts are up, their services answer, no link is shaped.

    `engine` is the engine's name; `seed` determines everything that a scenario draws by chance
    (`random`); `precision` is by how many seconds a measured time may miss theory in this engine.
    `probes`, `claims`, `notes` and `finished` (programs that ended) are the run's so far, in order;
    `conclusion` is what `conclude` said, None before. `schedule` are the faults that happen to the
    hosts while clients work, `histories` what clients asked and learned.
    """

    def __init__(
        self,
        network: Network,
        topology: Topology,
        engine: str,
        seed: int,
        *,
        measurement: Measurement,
        shaping: Shaping,
        baseline: bool = True,
        folder: Path = Path(),
        schedule: Schedule = (),
    ) -> None:
        Claims.__init__(self)
        Programs.__init__(self, network, topology, folder)
        self._begin_workloads(schedule)
        self.engine = engine
        self.seed = seed
        self._wanted = "none" if baseline else "off"
        self.precision = VIRTUAL_PRECISION if self.virtual else REAL_PRECISION
        self._random: random.Random | None = None
        self._measurement = measurement
        self._shaping = shaping
        self._faults = Faults(network, topology, measurement, shaping, self._kernel_counts)
        self.probes: list[Probe] = []
        self.notes: list[Note] = []

    # --- the lab itself

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts, in the order of the Compose file."""
        return self._topology.names()

    @property
    def kernel(self) -> tuple[int, int]:
        """Version of the kernel whose TCP the hosts use, for example (6, 12)."""
        return version(self._network.kernel)

    @property
    def virtual(self) -> bool:
        """Whether this lab's time is virtual, so that a time is exact."""
        return self._network.traits.virtual

    @property
    def network(self) -> Network:
        """The network underneath, for a script that plays the part of a host itself."""
        return self._network

    @property
    def random(self) -> random.Random:
        """A random number generator that the run's seed determines."""
        if self._random is None:
            import random  # slow to import in the guest, and few scenarios draw

            self._random = random.Random(self.seed)  # noqa: S311 (no secret)
        return self._random

    def address(self, host: str, network: str | None = None) -> Address:
        """Where a host is, on its first network or on the one named.

        Raises BadInput for an unknown host or network, and for a host that is not on it.
        """
        self._topology.host(host)
        found = self._network.interfaces[host]
        if network is not None:
            self._topology.network(network)
            found = tuple(one for one in found if one.network == network)
        if not found:
            raise BadInput(
                f"{host} is not on {f'network {network}' if network else 'any network'}",
                f"see {self._topology.file}",
            )
        return found[0].address

    # --- time

    def now(self) -> float:
        """Lab seconds since the hosts were up."""
        return self._network.now()

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""
        if seconds < 0:
            raise BadInput(f"cannot sleep {seconds:g} s", "give 0 or more")
        self._network.sleep(seconds)

    # --- notes

    def note(self, subject: str, text: str = "", value: Json = None) -> None:
        """Record something that is not a claim.

        `subject` is the kind of note, `text` is what happened, `value` anything more.
        Raises BadInput for a value that is not a number, text, or a list or mapping of them.
        """
        self.notes.append(Note(self.now(), subject, text, as_json(value)))

    # --- links

    def shape(self, host: str, *links: Link, network: str | None = None) -> None:
        """Shape what a host sends, from now on: one link for all, or links toward hosts.

        It holds for the host's device on `network`, or for each of its devices, and replaces
        what was shaped there before. Raises BadInput for an unknown host or network.
        """
        self._faults.check_alive(host)
        if not links:
            raise BadInput(f"shape({host!r}) was given no link", "give a Link, or use clear")
        self.measure_baseline()
        self._shaping.shape(host, links, network)
        self._own_links[host] = links

    def clear(self, host: str, network: str | None = None) -> None:
        """Remove whatever shapes what a host sends, on one network or on all.

        Queued packets are dropped.
        """
        self._faults.check_alive(host)
        self._shaping.clear(host, network)
        self._own_links.pop(host, None)

    # --- faults

    @property
    def faults(self) -> list[Fault]:
        """What was done to hosts so far, in order."""
        return self._faults.faults

    @property
    def lives(self) -> Sequence[Life]:
        """What happened to services by themselves so far, in order.

        They ended, were started again, became healthy or unhealthy; events from when the lab came
        up have a negative `at`.
        """
        return self._network.lives

    def kill(self, host: str) -> None:
        """Take a host's power away: its programs end at once, and it falls silent.

        Nothing tells the others: no connection is closed, and packets sent to the host are lost.
        Its disk stays as it is, its memory is gone. A dead host accepts only `restart`. To end a
        program but not its host, so that the host's kernel closes its connections, stop the
        program. Raises BadInput for an unknown host.
        """
        self._faults.kill(host)

    def pause(self, host: str) -> None:
        """Stop every program of a host, until `resume`.

        Its kernel goes on, as on a machine whose programs are stopped: it answers pings,
        accepts connections as far as they fit into a listener's queue, and acknowledges what
        fits into a socket's buffer. No program can be started meanwhile. Raises BadInput for
        an unknown host, and for a dead one.
        """
        self._faults.pause(host)

    def resume(self, host: str) -> None:
        """Let the programs of a paused host go on. Raises BadInput as `pause` does."""
        self._faults.resume(host)

    def restart(self, host: str) -> None:
        """Start a host anew, after `kill` or as it runs, and wait until its service is ready.

        It keeps its disk, its addresses, its environment, its links and its side of a partition.
        Programs that the scenario started on it ended with its former life; those started by
        `serve` are started again. Raises CannotRun if its service does not get ready.
        """
        self._faults.restart(host)
        self._serve_again(host)

    def partition(self, *groups: str | Sequence[str]) -> None:
        """Cut groups of hosts off from one another, until `heal` or another partition.

        No packet passes from one group to another, in either direction, not even of existing
        connections; packets that have already left a host still arrive. Hosts that no group names
        reach all groups; a single group is cut off from all other hosts. Raises BadInput for an
        unknown host, and for one in two groups.
        """
        self.measure_baseline()
        self._faults.partition(groups)

    def heal(self) -> None:
        """Rejoin what `partition` has cut."""
        self._faults.heal()

    def _is_dead(self, host: str) -> bool:
        return self._faults.dead(host)

    def _disturb_links(self, host: str, change: Callable[[Link], Link] | None) -> None:
        """Change the links that the scenario gave a host, or restore them."""
        if change is None and host not in self._disturbed:
            return
        own = self._own_links.get(host)
        if change is not None:
            self._disturbed.add(host)
            self._shaping.shape(host, tuple(map(change, own or (Link(),))))
        elif own:
            self._shaping.shape(host, own)
        else:
            self._shaping.clear(host)

    # --- a look inside

    def host(self, name: str) -> Any:
        """A host as testinfra's `Host`: its files, sockets, processes, commands.

        testinfra's commands run on the host, in lab time. Raises BadInput for an unknown host, and
        if testinfra (pytest-testinfra) is not installed.
        """
        from echolab.scenario import inspection  # few scenarios look inside

        self._topology.host(name)
        return inspection.host(self._network, name)

    # --- traffic

    def measure_baseline(self) -> None:
        """Measure the network before anything is shaped; done once, by the first `shape`."""
        if self._wanted != "none":
            return
        self._wanted = "measured"
        for host, target in self._baseline_pairs():
            program, counted = self._start_probe(
                host, target, "udp", count=10, interval=0.0, size=64, timeout=1.0
            )
            started = self.now()
            probe = self._probe_of(program.wait(30.0), started, counted)
            self._measurement.baseline.append(probe)

    def _baseline_pairs(self) -> list[tuple[str, str]]:
        """Two idle hosts and two others, if they share a network.

        In a lab of several networks some hosts only forward packets; they are left out.
        """
        drivers = [host.name for host in self._topology.hosts if host.idle]
        servers = [host.name for host in self._topology.hosts if not host.idle]
        if len(self._topology.networks) > 1:
            servers = [name for name in servers if self._echoes(name)]
        networks = {
            name: {one.network for one in self._network.interfaces[name]} for name in self.hosts
        }
        return [
            (host, target)
            for host in drivers[:2]
            for target in servers[:2]
            if networks[host] & networks[target] and not self._topology.host(target).shares
        ]

    def _echoes(self, host: str) -> bool:
        read = functools.partial(self._network.read, host)
        return ECHO_PORT in sockets.serving(read, "udp")

    def probe(
        self,
        host: str,
        target: str,
        protocol: str = "udp",
        *,
        count: int = 100,
        interval: float = 0.02,
        size: int = 64,
        timeout: float = 1.0,
        linger: float | None = None,
        port: int | None = None,
    ) -> Probe:
        """Send numbered messages to the echo service of a host and return what came back.

        `protocol` is udp, tcp (one connection) or tcp-connect (one connection for each message).
        The messages leave every `interval` seconds, with `size` bytes; with an interval of 0, each
        leaves when the one before was answered. An answer after `timeout` seconds is late; messages
        without an answer `linger` seconds after the last message's timeout are lost (udp: the
        timeout again; streams: 120 s).
        """
        return self.start_probe(
            host,
            target,
            protocol,
            count=count,
            interval=interval,
            size=size,
            timeout=timeout,
            linger=linger,
            port=port,
        ).wait()

    def start_probe(
        self,
        host: str,
        target: str,
        protocol: str = "udp",
        *,
        count: int = 100,
        interval: float = 0.02,
        size: int = 64,
        timeout: float = 1.0,
        linger: float | None = None,
        port: int | None = None,
    ) -> PendingProbe:
        """Like `probe`, but return at once; the result comes from its `wait`."""
        if protocol not in PROTOCOLS:
            raise BadInput(f"there is no protocol '{protocol}'", f"choose {', '.join(PROTOCOLS)}")
        if count > MOST_MESSAGES:
            raise BadInput(
                f"a probe of {count} messages is too long", f"give at most {MOST_MESSAGES}"
            )
        if count < 1 or interval < 0 or timeout <= 0 or not 16 <= size <= 65507:
            raise BadInput(
                f"probe of {count} messages of {size} bytes every {interval:g} s",
                "give at least 1 message, 16 to 65507 bytes, an interval of 0 or more",
            )
        program, counted = self._start_probe(
            host,
            target,
            protocol,
            count=count,
            interval=interval,
            size=size,
            timeout=timeout,
            linger=linger,
            port=port,
        )
        self._running.append(program)
        return PendingProbe(self, program, self.now(), counted)

    def _start_probe(
        self,
        host: str,
        target: str,
        protocol: str,
        *,
        count: int,
        interval: float,
        size: int,
        timeout: float,
        linger: float | None = None,
        port: int | None = None,
    ) -> tuple[Program, KernelCount]:
        self._topology.host(host)
        options: dict[str, float | str] = {
            "protocol": protocol,
            "count": count,
            "interval": interval,
            "size": size,
            "timeout": timeout,
        }
        if linger is not None:
            options["linger"] = linger
        if port is not None:
            options["port"] = port
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        argv = ("python3", "-m", "echo_app.probe", target, *words)
        busy = any(program.host == host for program in self._running)
        counted = self._kernel_counts.of_probe(host, busy=busy)
        return self._network.start(host, argv), counted

    def _finish_probe(self, program: Program, started: float, counted: KernelCount) -> Probe:
        probe = self._probe_of(program.wait(None), started, counted)
        self._running.remove(program)
        self.probes.append(probe)
        return probe

    def _probe_of(self, finished: ProgramRun, started: float, counted: KernelCount) -> Probe:
        if finished.status != 0 and not finished.stdout:
            raise CannotRun(
                f"the probe on {finished.host} failed: {finished.stderr.strip()[-300:]}",
                "look whether its target answers",
            )
        probe = read_probe(finished.host, finished.stdout.splitlines(), started)
        lasted = finished.ended - finished.started
        return dataclasses.replace(probe, ended=started + lasted, kernel=counted.since())

    # --- counters

    def counter(self, host: str, name: str) -> int:
        """A counter of a host's kernel since its start, "Tcp.RetransSegs" for example.

        Names are those of /proc/net/snmp and /proc/net/netstat. Raises BadInput for another.
        """
        self._topology.host(host)
        values = self._measurement.counters(host).named
        if name not in values:
            raise BadInput(f"the kernel of {host} has no counter '{name}'", "see /proc/net/netstat")
        return values[name]
