"""What a scenario holds in its hand: shape links, send traffic, state claims."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echolab.claims import Claims
from echolab.engines.contract import Address, Finished, Network, Program, version
from echolab.errors import BadInput, CannotRun
from echolab.link import Link
from echolab.measure import Measurement
from echolab.probe import Probe
from echolab.probe import read as read_probe
from echolab.programs import Programs
from echolab.shaping import Shaping
from echolab.topology import Topology
from echolab.witness import Witness

if TYPE_CHECKING:
    import random

PROTOCOLS = ("udp", "tcp", "tcp-connect")

VIRTUAL_PRECISION = 20e-6
"""Seconds by which a time may miss theory where time is virtual: each reading of the
clock costs 256 ns there, and a round trip with its system calls reads it a few dozen
times."""

REAL_PRECISION = 3e-3
"""Seconds by which a median may miss theory on a real machine whose processors are shared:
a link by the appliance costs up to 0.35 ms a packet, connect and echo crosses four."""


class PendingProbe:
    """A probe that is under way; `wait` gives its result."""

    def __init__(self, lab: Lab, program: Program, started: float, witness: Witness) -> None:
        self._lab = lab
        self._program = program
        self._started = started
        self._witness = witness
        self._result: Probe | None = None

    def wait(self) -> Probe:
        """Wait for the last answer and return what was seen."""
        if self._result is None:
            self._result = self._lab._finish_probe(self._program, self._started, self._witness)
        return self._result


class Lab(Claims, Programs):
    """The lab of one run: its hosts are up, their services answer, no link is shaped.

    `engine` is its name, `seed` feeds whatever a scenario draws by chance (`lab.random`).
    """

    def __init__(
        self,
        network: Network,
        topology: Topology,
        engine: str,
        seed: int,
        *,
        baseline: bool = True,
        folder: Path = Path(),
    ) -> None:
        Claims.__init__(self)
        Programs.__init__(self, network, topology, folder)
        self.engine = engine
        self.seed = seed
        self._wanted = "none" if baseline else "off"
        self.precision = VIRTUAL_PRECISION if self.virtual else REAL_PRECISION
        self._random: random.Random | None = None
        self.measurement = Measurement(network, topology)
        self.shaping = Shaping(network, self.measurement)
        self.probes: list[Probe] = []

    # --- what there is

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
        return self.engine == "exact"

    @property
    def network(self) -> Network:
        """The network underneath, as the engine opened it, for who plays a host's part."""
        return self._network

    @property
    def random(self) -> random.Random:
        """A source of chance that the run's seed determines."""
        if self._random is None:
            import random  # slow to import in the guest, and few scenarios draw

            self._random = random.Random(self.seed)  # noqa: S311 (no secret)
        return self._random

    def address(self, host: str) -> Address:
        """Where a host is. Raises BadInput for an unknown one."""
        self._topology.host(host)
        return self._network.addresses[host]

    # --- time

    def now(self) -> float:
        """Lab seconds since the hosts were up."""
        return self._network.now()

    def sleep(self, seconds: float) -> None:
        """Let lab time pass."""
        if seconds < 0:
            raise BadInput(f"cannot sleep {seconds:g} s", "give 0 or more")
        self._network.sleep(seconds)

    # --- links

    def shape(self, host: str, *links: Link) -> None:
        """Shape what a host sends, from now on: one link for all, or links toward hosts.

        It replaces what was shaped before. Raises BadInput for an unknown host.
        """
        self._topology.host(host)
        if not links:
            raise BadInput(f"shape({host!r}) was given no link", "give a Link, or use clear")
        self.measure_baseline()
        self.shaping.shape(host, links)

    def clear(self, host: str) -> None:
        """Take away whatever shapes what a host sends; queued packets are dropped."""
        self._topology.host(host)
        self.shaping.clear(host)

    # --- traffic

    def measure_baseline(self) -> None:
        """Measure the network before anything is shaped; done once, by the first `shape`."""
        if self._wanted != "none":
            return
        self._wanted = "measured"
        drivers = [host.name for host in self._topology.hosts if host.idle][:2]
        servers = [host.name for host in self._topology.hosts if not host.idle][:2]
        for host in drivers:
            for target in servers:
                program, witness = self._start_probe(
                    host, target, "udp", count=10, interval=0.0, size=64, timeout=1.0
                )
                started = self.now()
                probe = self._probe_of(program.wait(30.0), started, witness)
                self.measurement.baseline.append(probe)

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

        `protocol` is udp, tcp (one connection) or tcp-connect (one connection a message).
        They leave every `interval` seconds, with `size` bytes; with an interval of 0 each
        leaves when the one before was answered. An answer after `timeout` seconds is late;
        `linger` seconds after the last message's timeout what is unanswered is lost (udp:
        the timeout again; streams: 120 s).
        """
        return self.start_probe(
            *(host, target, protocol),
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
        if count < 1 or interval < 0 or timeout <= 0 or not 16 <= size <= 65507:
            raise BadInput(
                f"probe of {count} messages of {size} bytes every {interval:g} s",
                "give at least 1 message, 16 to 65507 bytes, an interval of 0 or more",
            )
        program, witness = self._start_probe(
            *(host, target, protocol),
            count=count,
            interval=interval,
            size=size,
            timeout=timeout,
            linger=linger,
            port=port,
        )
        self.running.append(program)
        return PendingProbe(self, program, self.now(), witness)

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
    ) -> tuple[Program, Witness]:
        self._topology.host(host)
        options: dict[str, Any] = {
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
        busy = any(program.host == host for program in self.running)
        witness = self._witnesses.of_probe(host, busy=busy)
        return self._network.start(host, argv), witness

    def _finish_probe(self, program: Program, started: float, witness: Witness) -> Probe:
        probe = self._probe_of(program.wait(None), started, witness)
        self.running.remove(program)
        self.probes.append(probe)
        return probe

    def _probe_of(self, finished: Finished, started: float, witness: Witness) -> Probe:
        if finished.status != 0 and not finished.stdout:
            raise CannotRun(
                f"the probe on {finished.host} failed: {finished.stderr.strip()[-300:]}",
                "look whether its target answers",
            )
        probe = read_probe(finished.host, finished.stdout.splitlines(), started)
        lasted = finished.ended - finished.started
        return dataclasses.replace(probe, ended=started + lasted, kernel=witness.account())

    # --- counters

    def counter(self, host: str, name: str) -> int:
        """A counter of a host's kernel since its start, "Tcp.RetransSegs" for example.

        Names are those of /proc/net/snmp and /proc/net/netstat. Raises BadInput for another.
        """
        self._topology.host(host)
        values = self.measurement.counters(host).named
        if name not in values:
            raise BadInput(f"the kernel of {host} has no counter '{name}'", "see /proc/net/netstat")
        return values[name]
