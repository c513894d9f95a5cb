"""The links of a lab that is up: shaped by commands, one after another.

Strategy: as in a run, a link container stands beside each host that was ever shaped. Its agent
goes on when the command that started it ends, and answers the next one. So the state of a link is
asked of the kernel that shapes it, and kept nowhere else.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType

from echolab import traffic
from echolab.engines.docker import running
from echolab.engines.docker.attach import Api
from echolab.engines.docker.daemon import daemon_errors
from echolab.engines.docker.images import Images
from echolab.engines.docker.link_container import LinkContainer, has_netem
from echolab.engines.docker.running import RunningHost, RunningLab
from echolab.errors import BadInput, CannotRun
from echolab.kernel import build
from echolab.link import Link, from_netem
from echolab.progress import Progress
from echolab.settings import Settings
from echolab.tc import filters, qdiscs

BEGUN = "echolab.begun"
"""The label with the moment at which a link's host was started. After a restart of the host, the
link belongs to a network that is gone."""

FOR_ALL = "20:"
"""The queue for what no filter leads elsewhere, where a link leads toward one host."""

Shaped = Mapping[str, tuple[Link, ...]]
"""What shapes a host on each of its networks."""


class LabLinks:
    """The links of a lab that is up."""

    def __init__(
        self, api: Api, lab: RunningLab, images: Images, settings: Settings, say: Progress
    ) -> None:
        self._api = api
        self._lab = lab
        self._images = images
        self._settings = settings
        self._say = say
        self._open: dict[str, LinkContainer] = {}

    def shape(self, name: str, link: Link | None, network: str | None = None) -> None:
        """Shape what a host sends, on one of its networks or on all; None clears it.

        Raises BadInput for an unknown host or network.
        """
        host = self._lab.host(name)
        ways = self._ways(host, network)
        if link is None and self._there(host) is None:
            return
        at = self._link(host)
        if link is not None and at.needs_boot:
            at.boot()
        for device in ways.values():
            self._tc(at, ("qdisc", "del", "dev", device, "root"), quiet=True)
            if link is not None:
                for arguments in traffic.render((link,), self._addresses(), device):
                    self._tc(at, arguments)

    def shaped(self, name: str) -> Shaped:
        """What shapes a host now, as its kernel reports it; empty for a host never shaped."""
        host = self._lab.host(name)
        if self._there(host) is None:
            return {}
        at = self._link(host)
        return {
            network: tuple(self._links(at, device))
            for network, device in self._ways(host, None).items()
        }

    def _links(self, at: LinkContainer, device: str) -> Iterator[Link]:
        """The links of one device: one for all packets, or one toward each host."""
        names = {ip: name for name, ips in self._addresses().items() for ip in ips}
        found = qdiscs(self._tc(at, ("-j", "qdisc", "show", "dev", device)) or "[]")
        forked = any(one.kind == "prio" for one in found)
        told = self._tc(at, ("filter", "show", "dev", device, "parent", "1:")) if forked else ""
        toward = [names.get(one.address, one.address) for one in filters(told, "1:")]
        for one in found:
            if one.netem is None or (forked and one.handle == FOR_ALL):
                continue
            yield from_netem(one.netem, toward[0] if toward else None)

    def _addresses(self) -> Mapping[str, tuple[str, ...]]:
        return {
            host.name: tuple(ip for one in host.networks.values() for ip in one.all())
            for host in self._lab.hosts
        }

    def _ways(self, host: RunningHost, network: str | None) -> Mapping[str, str]:
        """The devices of a host by its networks. Raises BadInput if it is not on `network`."""
        if network is not None and network not in host.networks:
            known = ", ".join(host.networks) or "none"
            raise BadInput(f"{host.name} is not on network {network}", f"its networks are: {known}")
        if not host.networks:
            raise BadInput(f"{host.name} has no link: it is on no network", "name another host")
        devices = dict(zip(host.networks, self._link(host).devices, strict=True))
        return {key: one for key, one in devices.items() if network in (None, key)}

    def _tc(self, at: LinkContainer, arguments: tuple[str, ...], *, quiet: bool = False) -> str:
        done = at.ask("tc", arguments=list(arguments))
        if done["status"] != 0 and not quiet:
            said = (done["error"] or done["output"]).strip()
            raise CannotRun(f"tc {' '.join(arguments)} on {at.host}: {said}", "see tc-netem(8)")
        return str(done["output"])

    # --- their containers

    def _begun(self, host: RunningHost) -> str:
        with daemon_errors(f"looking at {host.name}"):
            return str(self._api.inspect_container(host.container)["State"]["StartedAt"])

    def _there(self, host: RunningHost) -> str | None:
        """The link container of a host, if there is one since its last start."""
        wanted = [f"{running.FILE}={self._lab.file}", f"{running.HOST}={host.name}"]
        with daemon_errors(f"looking for the link of {host.name}"):
            for entry in self._api.containers(filters={"label": wanted}):
                if entry["Labels"].get(BEGUN) == self._begun(host):
                    return str(entry["Id"])
                self._api.remove_container(entry["Id"], force=True)
        return None

    def _link(self, host: RunningHost) -> LinkContainer:
        if host.name not in self._open:
            labels = {
                **running.labels_of(self._lab.file, "link"),
                running.HOST: host.name,
                BEGUN: self._begun(host),
            }
            netem = has_netem(
                self._api,
                self._images.link,
                running.labels_of(self._lab.file, "link"),
                self._settings.cache,
            )
            kernel = (
                None
                if netem
                else build.ensure(self._settings.cache, self._say, self._settings.kernel)
            )
            link = LinkContainer(
                self._api,
                threading.Condition(),
                host.name,
                host.container,
                self._images.link,
                labels,
                kernel,
                detached=True,
                there=self._there(host) or "",
            )
            self._open[host.name] = link
            link.prepare([one.mac for one in host.networks.values()])
        return self._open[host.name]

    def close(self) -> None:
        """Close the connections to the links, which stay as they are."""
        while self._open:
            with contextlib.suppress(CannotRun):
                self._open.popitem()[1].close()

    def __enter__(self) -> LabLinks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
