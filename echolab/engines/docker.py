"""The engine `docker`: hosts are containers on a bridge network, by Compose, in real time."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from echolab.engines import Lack, Progress, Settings, compose, owner, removal
from echolab.engines.attached import Api
from echolab.engines.contract import Address, Captured
from echolab.engines.daemon import connect, daemon_errors
from echolab.engines.images import Images, ensure
from echolab.engines.link_container import LinkContainer, has_netem
from echolab.engines.program import ContainerProgram
from echolab.engines.ready import HostStart
from echolab.errors import BadInput, CannotRun
from echolab.job import Job
from echolab.kernel import build
from echolab.kernel.image import Kernel

NAME = "docker"

WORKERS = 8
"""Calls of the daemon that are under way at once."""

THERE = "/tmp"  # noqa: S108 (in the host's container, which is ours alone)
"""The folder of a host that every program may write to."""


def lack(settings: Settings) -> Lack | None:
    """None where a daemon and Compose answer."""
    try:
        connect(timeout=5).close()
    except CannotRun as error:
        return Lack(error.message, error.remedy)
    if not compose.command():
        return Lack("Compose is not installed", "apt-get install docker-compose")
    return None


def run(job: Job, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Perform one job on containers and return its record (see echolab.engines.Engine)."""
    from echolab.perform import perform

    with contextlib.ExitStack() as undo:
        network = undo.enter_context(open_network(job, settings, progress))
        removal.wait()  # nothing else may go on while this lab is measured
        progress(f"{job.scenario}: running")
        record = perform(job, network, NAME)
        undo.pop_all()
    removal.begin(network.close, progress)
    return record


def open_network(job: Job, settings: Settings, progress: Progress) -> ContainerNetwork:
    """Bring the hosts of a job up, after removing what dead runs left.

    Raises CannotRun or BadInput; nothing is left behind then.
    """
    api = connect()
    locks = settings.cache / "runs"
    owner.reap(api, locks)
    images = ensure(progress)
    with contextlib.ExitStack() as undo:
        claim = undo.enter_context(owner.Owner(locks))
        network = ContainerNetwork(api, claim, job, settings, progress)
        undo.callback(network.close)
        network.open(images)
        undo.pop_all()
    return network


class ContainerNetwork:
    """The hosts of one topology as containers (see contract.Network)."""

    def __init__(
        self, api: Api, claim: owner.Owner, job: Job, settings: Settings, progress: Progress
    ) -> None:
        self.api = api
        self.changed = threading.Condition()
        self.addresses: Mapping[str, Address] = {}
        self.containers: dict[str, str] = {}
        self.links: dict[str, LinkContainer] = {}
        self.kernel = ""
        self.link_by = ""
        self.link_kernel = ""
        self._claim = claim
        self._job = job
        self._settings = settings
        self._progress = progress
        self._opened = time.monotonic()
        self._numbers = itertools.count(1)
        self._guest: Kernel | None = None
        self._in_front: set[str] = set()
        self._closed = False

    # --- up

    def open(self, images: Images) -> None:
        """Make and start everything; the caller closes also where this fails half-way."""
        document = compose.read(self._settings.compose)
        added = compose.override(
            document, self._job.topology, images, self._claim, self._job.folders
        )
        self._progress("making the hosts")
        compose.create(
            self._settings.compose,
            added,
            self._claim.project,
            compose.copies(document, self._job.topology),
            self._progress,
        )
        self.containers = self._find(document)
        if has_netem(self.api, images.link, self._claim.labels("link"), self._settings.cache):
            self.link_by = "netem"
        else:
            self.link_by = "appliance"
            self._guest = build.ensure(self._settings.cache, self._progress, self._settings.kernel)
        self._progress("starting the hosts")
        for wave in compose.waves(document, self._job.topology):
            self._all(lambda host: self._start_host(host, images.link), wave)
        self.link_kernel = self._guest.release if self._guest else self.kernel
        self.addresses = self._addresses()
        self._neighbours()
        self._opened = time.monotonic()

    def _find(self, document: Mapping[str, Any]) -> dict[str, str]:
        """The container of each host of the topology; every one answers to its host's name."""
        wanted = {"label": f"{compose.PROJECT_LABEL}={self._claim.project}"}
        found: dict[str, str] = {}
        with daemon_errors("looking for the hosts"):
            for entry in self.api.containers(all=True, filters=wanted):
                service = entry["Labels"][compose.SERVICE_LABEL]
                found[service] = entry["Id"]
                found[f"{service}-{entry['Labels'][compose.NUMBER_LABEL]}"] = entry["Id"]
            missing = [name for name in self._job.topology.names() if name not in found]
            if missing:
                raise CannotRun(
                    f"Compose made no container for {', '.join(missing)}", "see its file"
                )
            for name in self._job.topology.names():
                if name not in document["services"]:
                    self._name(found[name], [name, compose.service_of(name, document)])
        return {name: found[name] for name in self._job.topology.names()}

    def _name(self, container: str, names: list[str]) -> None:
        """Give one of a service's several containers its own name in the network, too."""
        for network in self.api.inspect_container(container)["NetworkSettings"]["Networks"]:
            self.api.disconnect_container_from_network(container, network)
            self.api.connect_container_to_network(container, network, aliases=names)

    def _start_host(self, host: str, link_image: str) -> None:
        start = HostStart(self.api, host, self.containers[host], self._settings.compose.name)
        try:
            self._start_link(host, link_image)
        except CannotRun:
            start.still_up()  # a host that ended at once is the better reason
            raise
        start.await_ready()

    def _start_link(self, host: str, image: str) -> None:
        labels = self._claim.labels("link")
        container = self.containers[host]
        link = LinkContainer(self.api, self.changed, host, container, image, labels, self._guest)
        self.links[host] = link
        self.kernel = str(link.ask("prepare")["kernel"])
        if self._job.capture:
            link.ask("capture", shaping_here=self._guest is None)

    def _addresses(self) -> dict[str, Address]:
        found = {}
        for host, container in self.containers.items():
            with daemon_errors(f"looking at {host}"):
                networks = self.api.inspect_container(container)["NetworkSettings"]["Networks"]
            first: Mapping[str, Any] = next(iter(networks.values()), {})
            if not first.get("IPAddress"):
                raise BadInput(
                    f"{host} is on no bridge network", f"see {self._settings.compose.name}"
                )
            found[host] = Address(
                first["IPAddress"], first["MacAddress"], first["GlobalIPv6Address"] or None
            )
        return found

    def _neighbours(self) -> None:
        """Let every host know the others' hardware addresses, so that no ARP is measured."""

        def tell(host: str) -> None:
            others = [one for name, one in self.addresses.items() if name != host]
            entries = {one.ip: one.mac for one in others}
            entries |= {one.ip6: one.mac for one in others if one.ip6}
            self.links[host].ask("neighbours", entries=entries)

        self._all(tell, self.links)

    def _all(self, work: Callable[[str], None], hosts: Iterable[str]) -> None:
        """Do the work for all hosts, several at once; the first error is raised, after all."""
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
        self.check()
        return ContainerProgram(
            self,
            host,
            self.containers[host],
            argv,
            input=input,
            environment=environment,
            keep_input=keep_input,
            trace=f"{THERE}/echolab-calls-{next(self._numbers)}" if trace else "",
        )

    def tc(self, host: str, arguments: Sequence[str]) -> str:
        """Run tc for a host's link; the first call puts the appliance in front, if needed."""
        link = self.links[host]
        if self._guest is not None and host not in self._in_front:
            link.boot()
            self._in_front.add(host)
        done = link.ask("tc", arguments=list(arguments))
        if done["status"] != 0:
            said = (done["error"] or done["output"]).strip()
            raise CannotRun(f"tc {' '.join(arguments)} on {host}: {said}", "see tc-netem(8)")
        return str(done["output"])

    def read(self, host: str, path: str) -> str:
        """The text of a file below /proc or /sys as the host's network namespace has it."""
        return str(self.links[host].ask("read", path=path)["text"])

    def now(self) -> float:
        """Seconds since the network was opened."""
        return time.monotonic() - self._opened

    def sleep(self, seconds: float) -> None:
        """Let time pass. Raises CannotRun where a link breaks meanwhile."""
        with self.changed:
            self.changed.wait_for(self._is_broken, seconds)
        self.check()

    def check(self) -> None:
        """Raise CannotRun where a link broke."""
        for link in self.links.values():
            link.check()

    def _is_broken(self) -> bool:
        return any(link.broken for link in self.links.values())

    def captures(self) -> Sequence[Captured]:
        """Finish the captures and name their files."""
        self.check()
        if not self._job.capture:
            return ()
        found: dict[str, list[Captured]] = {}

        def fetch(host: str) -> None:
            found[host] = self._fetch(host)

        self._all(fetch, self.links)
        return [captured for host in self.links for captured in found[host]]

    def _fetch(self, host: str) -> list[Captured]:
        captured = []
        for where, kept in self.links[host].ask("finish")["files"].items():
            here = self._settings.folder / f"{host}.{where}.pcap"
            self.links[host].fetch(kept["path"], kept["size"], here)
            captured.append(Captured(host, where, str(here)))
            if kept["missed"]:
                self._progress(f"{here.name} lacks {kept['missed']} packets: this machine is busy")
        return captured

    # --- down

    def close(self) -> None:
        """Release everything; a second call does nothing.

        One thing after the other: a pool takes no more work when the interpreter is ending.
        """
        if self._closed:
            return
        self._closed = True
        for link in self.links.values():
            link.close()
        owner.remove(self.api, f"{owner.LOCK}={self._claim.lock}")
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
