"""The hosts of one topology as containers on a bridge network, made by Compose."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import functools
import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from types import TracebackType
from typing import Any

from echolab.engines import programs, registry, sockets
from echolab.engines.contract import SEEDS_SINCE, Address, Capture, Interface, capture_file, version
from echolab.engines.docker import compose, join, owner
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors
from echolab.engines.docker.health import HostStart
from echolab.engines.docker.images import Images
from echolab.engines.docker.link_container import LinkContainer, has_netem
from echolab.engines.docker.lives import HostLives
from echolab.engines.docker.opening import Opening
from echolab.engines.docker.program import ContainerProgram
from echolab.engines.docker.watch import Watch
from echolab.engines.lives import ENDED, RUNNING
from echolab.errors import CannotRun
from echolab.job import Job
from echolab.kernel import build
from echolab.kernel.image import Kernel
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.record.values import Life
from echolab.settings import Settings
from echolab.topology import Topology

WORKERS = 8
"""How many calls of the daemon may run at once."""

START_INTERVAL_SINCE = (1, 44)
"""First version of the daemon's API in which a health check can have a `start_interval`."""

FILE_HEADER = 24
"""Bytes before the first packet of a capture (pcap-savefile(5))."""

THERE = "/tmp"  # noqa: S108 (in the host's container, which is ours alone)
"""The folder of a host that every program may write to."""


class ContainerNetwork:
    """The hosts of one topology as containers (see contract.Network)."""

    traits = registry.TRAITS["docker"]

    def __init__(
        self, api: Api, claim: owner.Owner, job: Job, settings: Settings, progress: Progress
    ) -> None:
        self.api = api
        self.changed = threading.Condition()
        self.addresses: Mapping[str, Address] = {}
        self.interfaces: Mapping[str, tuple[Interface, ...]] = {}
        self.containers: dict[str, str] = {}
        self.links: dict[str, LinkContainer] = {}
        self.notes = Watch(api, self.changed, job.topology, {})
        self.kernel = ""
        self.link_by = ""
        self.link_kernel = ""
        self.seeds_links = False
        self._interfaces: dict[str, tuple[Interface, ...]] = {}
        self._keys: Mapping[str, str] = {}
        self._claim = claim
        self._job = job
        self._settings = settings
        self._progress = progress
        self._opened = time.monotonic()
        self._numbers = itertools.count(1)
        self._guest: Kernel | None = None
        self._tc = ""
        self._in_front: set[str] = set()
        self._closed = False
        self.started: list[ContainerProgram] = []
        self._lives = HostLives(self)
        self._gone: Set[str] = frozenset()
        self._opened_at = 0.0
        self._following = False
        self._ended: Callable[[str], None] = _nothing
        self._revived: Callable[[str], None] = _nothing
        self._captured: dict[str, Capture] = {}
        self.link_image = ""

    # --- up

    def open(self, images: Images) -> None:
        """Make and start everything; the caller closes this even if it fails half-way."""
        document = compose.read(self._settings.compose)
        self._check_checks(document)
        added = compose.override(
            document, self._job.topology, images, self._claim, self._job.folders
        )
        self._progress(_("making the hosts"))
        compose.create(
            self._settings.compose,
            added,
            self._claim.project,
            compose.copies(document, self._job.topology),
            self._progress,
        )
        self.containers = compose.containers(self.api, self._claim.project, self._job.topology)
        networks = join.networks(self.api, self._claim.project, document)
        join.attach(self.api, self._job.topology, self.containers, networks)
        self.containers = join.share(self.api, self._job.topology, self.containers)
        self._keys = {one: key for key, one in networks.items()}
        if has_netem(self.api, images.link, self._claim.labels("link"), self._settings.cache):
            self.link_by = "netem"
        else:
            self.link_by = "appliance"
            self._guest = build.ensure(self._settings.cache, self._progress, self._settings.kernel)
        self.link_image = images.link
        self._progress(_("starting the hosts"))
        self.notes = Watch(self.api, self.changed, self._job.topology, self.containers)
        self._keep_from_restarting()
        Opening(self).run()
        self.notes.listen(f"{owner.LOCK}={self._claim.lock}")
        self.link_kernel = self._guest.release if self._guest else self.kernel
        self.seeds_links = min(version(self.link_kernel), version(self._tc)) >= SEEDS_SINCE
        self._gone = {
            host.name for host in self._job.topology.hosts if self._lives.states.dead(host.name)
        }
        self._know_interfaces()
        self._all(self.introduce, self.links)
        self._opened, self._opened_at = time.monotonic(), time.time()

    def _know_interfaces(self) -> None:
        """Record where the hosts are; a host that has ended is nowhere."""
        self.interfaces = {
            host.name: self._interfaces.get(host.shares or host.name, ())
            for host in self._job.topology.hosts
        }
        self.addresses = {
            host: ways[0].address if ways else Address("", "")
            for host, ways in self.interfaces.items()
        }

    def _check_checks(self, document: Mapping[str, Any]) -> None:
        """Raise CannotRun for a health check that this Docker Engine cannot make."""
        found = compose.with_start_interval(document)
        with daemon_errors("asking for Docker's version"):
            told = self.api.version()
        if found and version(str(told["ApiVersion"])) < START_INTERVAL_SINCE:
            raise CannotRun(
                f"{self._settings.compose.name}: services.{found[0]}.healthcheck.start_interval "
                f"takes Docker Engine 25, this one is {told['Version']}",
                "leave it out, or use --engine exact",
            )

    def _keep_from_restarting(self) -> None:
        """Keep the daemon from restarting hosts: their links must be there first."""
        never: Any = {"Name": "no"}  # the stubs do not know it
        for host in self._job.topology.hosts:
            if host.restart != "no":
                with daemon_errors(f"making {host.name}"):
                    self.api.update_container(self.containers[host.name], restart_policy=never)

    @property
    def topology(self) -> Topology:
        """The hosts and their networks."""
        return self._job.topology

    def link_labels(self) -> Mapping[str, str]:
        """The labels of everything that stands beside a host."""
        return self._claim.labels("link")

    def begin(self, host: str) -> HostStart:
        """Start a host's container."""
        where = self._job.topology.host(host)
        start = HostStart(self.api, where, self.containers[host], self.notes)
        self._lives.states.set(host, RUNNING)
        return start

    def await_serving(self, host: str, start: HostStart) -> None:
        """Wait until a host that was started listens for clients."""
        if not self._job.topology.host(host).idle:
            start.await_serving(lambda: sockets.serves(functools.partial(self.read, host)))

    def tested(self, host: str) -> bool:
        """Whether the daemon tests the health of a host."""
        health = self._job.topology.host(host).health
        if health is not None and health.own:
            return False
        with daemon_errors(f"looking at {host}"):
            config = self.api.inspect_container(self.containers[host])["Config"]
        test: Sequence[str] = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
        return test[0] != "NONE"

    def end(self, host: str) -> None:
        """Release the link of a host that has ended with its service."""
        if host in self.links:
            with contextlib.suppress(CannotRun):  # its captures may have gone with it
                if self._job.capture:
                    self._fetch(host)
            self._in_front.discard(host)
            self.links.pop(host).close()
        self._lives.states.end(host, ENDED)

    def start_link(self, host: str) -> None:
        """Start the link of a host that runs."""
        labels, image = self.link_labels(), self.link_image
        container = self.containers[host]
        link = LinkContainer(self.api, self.changed, host, container, image, labels, self._guest)
        self.links[host] = link
        given = join.addresses(self.api, host, container, self._keys)
        ways = [one.network for one in self._job.topology.host(host).networks]
        lacking = [name for name in ways if name not in given]
        if lacking:
            raise CannotRun(
                f"{host} has no address on network {lacking[0]}",
                f"see {self._settings.compose.name}",
            )
        prepared = link.prepare([given[name].mac for name in ways])
        self._interfaces[host] = tuple(
            Interface(name, device, given[name])
            for name, device in zip(ways, link.devices, strict=True)
        )
        self.kernel, self._tc = str(prepared["kernel"]), str(prepared["iproute2"])
        if self._job.capture and ways:
            link.ask("capture", shaping_here=self._guest is None)

    def lose_link(self, host: str) -> LinkContainer:
        """Keep a host's captures, then forget its link and return it."""
        if self._job.capture:
            self._fetch(host)
        self._in_front.discard(host)
        return self.links.pop(host)

    def ways(self, host: str) -> tuple[Interface, ...]:
        """The devices that a host has now."""
        return self._interfaces[host]

    def introduce(self, host: str) -> None:
        """Tell a host the hardware addresses of the others, so that no ARP is measured."""
        entries = {
            way.device: {
                ip: other.address.mac
                for name, others in self._interfaces.items()
                if name != host
                for other in others
                if other.network == way.network
                for ip in other.address.all()
            }
            for way in self._interfaces[host]
        }
        self.links[host].ask("neighbours", entries=entries)

    def _link(self, host: str) -> LinkContainer:
        """The container with a host's links, which may belong to another host."""
        self._follow()
        self._lives.check_alive(host)
        self._lives.check_alive(self._job.topology.host(host).shares or host)
        return self.links[self._job.topology.host(host).shares or host]

    def _all(self, work: Callable[[str], None], hosts: Iterable[str]) -> None:
        """Do the work for all hosts, several at once; raise the first error when all are done."""
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for future in [pool.submit(work, host) for host in hosts]:
                future.result()

    # --- what a scenario does

    def start(
        self,
        host: str,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        trace: bool = False,
        keep_input: bool = False,
    ) -> ContainerProgram:
        """Start a program on a host (see contract.Network.start)."""
        self._job.topology.host(host)
        self._follow()
        self._lives.states.check_running(host)
        programs.check_words(host, argv)
        self.check()
        started = ContainerProgram(
            self,
            host,
            self.containers[host],
            argv,
            input=input,
            environment=environment,
            keep_input=keep_input,
            trace=f"{THERE}/echolab-calls-{next(self._numbers)}" if trace else "",
        )
        self.started.append(started)
        return started

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run tc for a host's link; the first call puts the appliance in front, if needed."""
        link = self._link(host)
        if self._guest is not None and link.devices and link.host not in self._in_front:
            link.boot()
            self._in_front.add(link.host)
        done = link.ask("tc", arguments=list(arguments))
        if done["status"] != 0:
            raise programs.tc_failed(host, arguments, done["error"] or done["output"])
        return str(done["output"])

    def read(self, host: str, path: str) -> str:
        """The text of a file below /proc or /sys as the host's network namespace has it."""
        link = self._link(host)
        programs.check_readable(host, path)
        found = link.ask("read", path=path)
        if "text" not in found:
            raise programs.unreadable(host, path, found["why"])
        return str(found["text"])

    def now(self) -> float:
        """Seconds since the network was opened."""
        return time.monotonic() - self._opened

    def epoch(self) -> float:
        """Seconds since 1970 at which the network was opened; see the contract."""
        return time.time() - self.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass. Raises CannotRun if a link breaks meanwhile."""
        self.await_that(lambda: False, seconds)

    def await_that(self, done: Callable[[], bool], within: float | None) -> bool:
        """Wait until a condition holds, at most `within` seconds; return whether it does.

        Meanwhile hosts are started again as their policies say. Raises CannotRun if a link
        breaks.
        """
        until = None if within is None else time.monotonic() + within
        while True:
            self.check()
            with self.changed:
                left = [None if until is None else until - time.monotonic(), self.notes.next()]
                wait = min((one for one in left if one is not None), default=None)
                self.changed.wait_for(lambda: done() or self._is_broken() or self._new(), wait)
                if done():
                    return True
            if until is not None and time.monotonic() >= until:
                self.check()
                return False

    def _new(self) -> bool:
        """Whether a host needs attention."""
        after = self.notes.next()
        return after is not None and after <= 0

    def check(self) -> None:
        """Note which hosts ended, restart those that are due, and look after the links.

        Raises CannotRun if a link broke.
        """
        self._follow()
        for link in tuple(self.links.values()):
            link.check()

    def _follow(self) -> None:
        """Do what the daemon's events ask for, one thing after the other."""
        if self._following or not self._opened_at:
            return
        self._following = True
        try:
            for host in self.notes.ended():
                if not self._lives.states.dead(host):
                    self._ended(host)
                    self.end(host)
            for host in self.notes.due():
                self._lives.revive(host, functools.partial(self._revived, host))
        finally:
            self._following = False

    def watch(self, ended: Callable[[str], None], revived: Callable[[str], None]) -> None:
        """Report hosts' ends and returns (see contract.Network.watch)."""
        self._ended, self._revived = ended, revived

    @property
    def gone(self) -> Set[str]:
        """The hosts that had ended before the lab was up (see contract.Network.gone)."""
        return self._gone

    @property
    def lives(self) -> Sequence[Life]:
        """What happened to services by themselves (see contract.Network.lives)."""
        opened = self._opened_at
        found = [dataclasses.replace(one, at=round(one.at - opened, 6)) for one in self.notes.lives]
        return sorted(found, key=lambda one: one.at)

    def _is_broken(self) -> bool:
        return any(link.broken for link in tuple(self.links.values()))

    def captures(self) -> Sequence[Capture]:
        """Finish the captures and name their files."""
        self.check()
        if not self._job.capture:
            return ()
        self._all(self._fetch, self.links)
        order = self._job.topology.owners()
        return sorted(self._captured.values(), key=lambda one: order.index(one.host))

    def _fetch(self, host: str) -> None:
        """Finish a host's captures and copy them, after those of its former lives."""
        ways = self._interfaces[host]
        if not ways:
            return
        link = self.links[host]
        for way, files in zip(ways, link.ask("finish")["files"], strict=True):
            for where in sorted(files, reverse=True):  # before-link, then after-link
                kept = files[where]
                here = self._settings.folder / capture_file(host, way, where, len(ways))
                earlier = self._captured.get(here.name)
                part = here.with_suffix(".part") if earlier else here
                link.fetch(kept["path"], kept["size"], part)
                if earlier:
                    _append(part, here)
                lost = kept["missed"] + (earlier.lost if earlier else 0)
                self._captured[here.name] = Capture(
                    host, where, str(here), lost=lost, network=way.network
                )

    # --- lives of hosts

    def kill(self, host: str) -> None:
        """Take a host's power away (see contract.Network.kill)."""
        self._lives.kill(host)

    def pause(self, host: str) -> None:
        """Stop every program of a host (see contract.Network.pause)."""
        self._lives.pause(host)

    def resume(self, host: str) -> None:
        """Let the programs of a host go on (see contract.Network.resume)."""
        self._lives.resume(host)

    def restart(self, host: str, before_start: Callable[[], None] | None = None) -> None:
        """Give a host its power back (see contract.Network.restart)."""
        self._lives.restart(host, before_start)

    def going_on(self, host: str) -> contextlib.AbstractContextManager[None]:
        """Within it, a paused host goes on, so that its programs receive signals."""
        return self._lives.going_on(host)

    # --- down

    def close(self) -> None:
        """Release everything; a second call does nothing.

        One after another: a pool takes no more work when the interpreter is ending.
        """
        if self._closed:
            return
        self._closed = True
        self.notes.close()
        for link in self.links.values():
            link.close()
        for remove in (owner.remove, owner.remove_built):
            remove(self.api, f"{owner.LOCK}={self._claim.lock}")
        self._claim.close()
        self.api.close()

    def __enter__(self) -> ContainerNetwork:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _nothing(_host: str) -> None:
    """Do nothing."""


def _append(part: Path, whole: Path) -> None:
    """Append the packets of one capture to another of the same kind, and remove the former."""
    try:
        with part.open("rb") as file, whole.open("ab") as end:
            file.seek(FILE_HEADER)
            shutil.copyfileobj(file, end)
        part.unlink()
    except OSError as error:
        raise CannotRun(
            f"cannot write {whole}: {error.strerror}", "make room, or choose another --out"
        ) from None
