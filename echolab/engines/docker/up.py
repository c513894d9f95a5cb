"""The lab that stays up until it is taken down: for people to look around in."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from echolab.engines import sockets
from echolab.engines.docker import compose, join, running
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import connect, daemon_errors
from echolab.engines.docker.health import HostStart
from echolab.engines.docker.images import check_roots, ensure
from echolab.engines.docker.opening import Opening
from echolab.engines.docker.program import output_of
from echolab.engines.docker.running import RunningLab
from echolab.engines.docker.watch import Watch
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.settings import Settings
from echolab.topology import Topology


class _Claim:
    """What marks a lab that is up; the same file is the same lab."""

    def __init__(self, file: Path) -> None:
        name = f"{os.getuid()} {file.resolve()}"
        self.project = f"echolab-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        self._file = file

    def labels(self, role: str) -> dict[str, str]:
        """The labels of something that belongs to the lab."""
        return running.labels_of(self._file, role)


class _Hosts:
    """The hosts of a lab that comes up, as its opening needs them; they have no links yet."""

    def __init__(self, api: Api, topology: Topology, containers: dict[str, str]) -> None:
        self.topology = topology
        self.notes = Watch(api, threading.Condition(), topology, containers)
        self._api = api
        self._containers = containers

    def begin(self, host: str) -> HostStart:
        """Start a host's container."""
        return HostStart(self._api, self.topology.host(host), self._containers[host], self.notes)

    def await_serving(self, host: str, start: HostStart) -> None:
        """Wait until a host passes the lab's own check, or listens for clients."""
        if not self.topology.host(host).idle:
            start.await_serving(lambda: sockets.serves(lambda path: self._read(host, path)))

    def _read(self, host: str, path: str) -> str:
        """A file of a host that has cat(1); empty otherwise."""
        return output_of(self._api, self._containers[host], ["cat", path])[1]

    def start_link(self, host: str) -> None:
        """Do nothing: there is no link."""

    def end(self, host: str) -> None:
        """Do nothing: there is no link to release."""

    def tested(self, host: str) -> bool:
        """Whether the daemon tests the health of a host."""
        with daemon_errors(f"looking at {host}"):
            config = self._api.inspect_container(self._containers[host])["Config"]
        health = self.topology.host(host).health
        test = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
        return not (health and health.own) and bool(test[0] != "NONE")


def up(topology: Topology, settings: Settings, progress: Progress) -> tuple[RunningLab, str]:
    """Bring the lab of a Compose file up; return it, and its client's output if that has ended.

    A lab that is already up is left as it is. The images are built first if needed. Raises
    CannotRun or BadInput, with nothing left, if it cannot come up.
    """
    check_roots(settings)
    file = settings.compose.resolve()
    api = connect()
    if any(lab.file == file for lab in running.labs(api)):
        return running.the_lab(api, file), ""
    images = ensure(settings.base_image_file, progress)
    claim = _Claim(file)
    document = compose.read(file)
    added = compose.override(document, topology, images, claim, left_up=True)
    progress(_("making the hosts"))
    try:
        copies = compose.copies(document, topology)
        compose.create(file, added, claim.project, copies, progress)
        containers = compose.containers(api, claim.project, topology)
        networks = join.networks(api, claim.project, document)
        join.attach(api, topology, containers, networks)
        containers = join.share(api, topology, containers)
        progress(_("starting the hosts"))
        # The daemon itself restarts hosts: they have no links that would have to be ready.
        once = tuple(dataclasses.replace(host, restart="no") for host in topology.hosts)
        hosts = _Hosts(api, dataclasses.replace(topology, hosts=once), containers)
        Opening(hosts).run()
    except BaseException:
        running.remove(api, file)
        raise
    return running.the_lab(api, file), _words(api, containers, hosts.notes)


def _words(api: Api, containers: dict[str, str], notes: Watch) -> str:
    """What the hosts that have ended by now wrote."""
    ended: Iterable[str] = dict.fromkeys(life.host for life in notes.lives if life.kind == "ended")
    with daemon_errors("reading what the hosts wrote"):
        return "".join(
            api.logs(containers[host], stdout=True, stderr=True).decode(errors="replace")
            for host in ended
        )


def down(file: Path | None = None) -> Path:
    """Take the only lab down that is up, or a file's; return the file of that lab.

    Raises BadInput if none is up, or more than one and no file was named.
    """
    api = connect()
    lab = running.the_lab(api, file)
    running.remove(api, lab.file)
    return lab.file
