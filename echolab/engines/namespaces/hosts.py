"""The hosts' namespaces and the networks that join them, made without a process for each host.

Strategy: this process moves into new namespaces, sets them up, keeps a descriptor of each and
moves back. A namespace lives as long as a descriptor of it, so everything here vanishes when it is
closed, or when this process ends in any way. The bridges stand in a network namespace of their
own; nothing of the machine's network is touched.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from echolab.engines.contract import Interface
from echolab.engines.namespaces import addressing, linux, moves, rtnetlink
from echolab.engines.namespaces.names import host_names
from echolab.engines.namespaces.one_packet import OnePacket
from echolab.engines.namespaces.sandbox import HostRoot
from echolab.topology import Host, Topology

FIRST_DEVICE = 100
"""A host's first device comes after the tunnels that some kernels put into each new namespace."""
LOOPBACK_INDEX = 1

FIRST_BRIDGE = 100
"""The bridges come first in their namespace, then one port for each device of a host."""

SMALL, KNOWN_HOSTS = 64, 16
"""Up to how many hosts all know one another in advance, and how many hosts everybody knows in
a larger lab; see `neighbours`."""

CHUNK = 65536
"""Bytes that are read at once."""

HOSTS_FILE = "/etc/hosts"

TOOL_FOLDERS = ("usr/bin", "bin", "usr/local/bin")
"""Where, from a host's root, the programs are that the engine uses."""

SETTINGS = {
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
    "kernel/shmall": "4096",
}
"""Settings below /proc/sys of each host: ordinary users may bind port 7 and ping, as in a
container; System V shared memory is at most 16 MiB."""

OF_DEVICE = re.compile(r"[./](conf|neigh)[./](?!all|default|lo[./])")

WITHOUT_IPV6 = {"net/ipv6/conf/all/disable_ipv6": "1", "net/ipv6/conf/default/disable_ipv6": "1"}

WITH_IPV6 = {
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
}
"""Only the addresses given here, at once, and no packets about others."""


def neighbours(hosts: Sequence[Host]) -> dict[str, tuple[str, ...]]:
    """Whose address each host of a network knows from the start, so that ARP is warm.

    On a small network everybody knows everybody. On a large one everybody knows and is known by
    the first `KNOWN_HOSTS` hosts: those that serve come before the idle ones. Other pairs find
    each other by ARP, since entries for all of them would grow with the square of the hosts.
    """
    names = [host.name for host in hosts]
    ordered = sorted(hosts, key=lambda host: host.idle)
    many = len(names) if len(names) <= SMALL else KNOWN_HOSTS
    known = {host.name for host in ordered[:many]}
    return {
        name: tuple(peer for peer in names if peer != name and (name in known or peer in known))
        for name in names
    }


class HostNamespaces:
    """The namespaces of one host, new, with nothing on its network yet; this thread is then in
    them. `procfs` is a descriptor of /proc.

    `name` is the host's own name, `names` its own text of /etc/hosts, None for the common one. It
    has the network of `sharing` if that is given. Once closed, they end with the last process in
    them.
    """

    def __init__(
        self,
        name: str,
        root: HostRoot,
        settings: Mapping[str, str],
        procfs: int,
        names: str | None = None,
        sharing: HostNamespaces | None = None,
    ) -> None:
        root.enter()
        linux.unshare(
            sum(flag for kind, flag in moves.KINDS.items() if kind != "net" or not sharing)
        )
        if sharing:
            linux.setns(sharing.net, linux.CLONE_NEWNET)
        socket.sethostname(name)
        for path, value in settings.items():
            moves.set_sysctl(path, value, procfs)
        root.furnish()
        if names is not None:
            root.put_over(HOSTS_FILE, names)
        self._root = os.open("/", os.O_PATH | os.O_CLOEXEC)
        self._descriptors = moves.all_of(procfs)
        self.devices: dict[str, int] = {}
        """The numbers of the devices that the host has on networks."""
        self._link: rtnetlink.Netlink | None = None
        self._files: dict[str, int] = {}

    def renew(
        self,
        root: HostRoot,
        settings: Mapping[str, str],
        sharing: HostNamespaces | None = None,
    ) -> None:
        """Get a new kernel's network and shared memory; what is on the disk stays.

        No program may be left on the host.
        """
        with moves.moving() as procfs:
            for kind in ("mnt", "uts"):
                linux.setns(self._descriptors[kind], moves.KINDS[kind])
            linux.unshare(moves.KINDS["ipc"] | (0 if sharing else moves.KINDS["net"]))
            if sharing:
                linux.setns(sharing.net, linux.CLONE_NEWNET)
            for path, value in settings.items():
                moves.set_sysctl(path, value, procfs)
            root.forget()
            new = moves.all_of(procfs)
        self._let_go()
        self._descriptors = new

    def names_itself(self) -> os.stat_result:
        """What distinguishes the host's programs from all others: the namespace of its name."""
        return os.fstat(self._descriptors["uts"])

    @property
    def net(self) -> int:
        """The descriptor of the network namespace."""
        return self._descriptors["net"]

    def enter(self) -> None:
        """Move this thread into all of the host's namespaces, for good."""
        for kind, descriptor in self._descriptors.items():
            linux.setns(descriptor, moves.KINDS[kind])

    def network(self) -> contextlib.AbstractContextManager[None]:
        """Within it, this thread is in the host's network namespace."""
        return moves.in_network(self.net)

    def read(self, path: str) -> str:
        """The text of a file below /proc or /sys, as the host's network namespace has it."""
        if path.startswith("/sys/"):
            return _content(os.open(path[1:], os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._root))
        if path.startswith("/proc/net/") and path.count("/") == 3:
            return _again(self._kept(path))
        own = path.replace("/proc/net/", "/proc/thread-self/net/", 1)
        with self.network():
            return _content(os.open(own, os.O_RDONLY | os.O_CLOEXEC))

    def _kept(self, path: str) -> int:
        """A descriptor of a file below /proc/net, which stays open: many are read many times.

        Such a file belongs to the network namespace in which it was opened.
        """
        if path not in self._files:
            own = path.replace("/proc/net/", "/proc/thread-self/net/", 1)
            with self.network():
                self._files[path] = os.open(own, os.O_RDONLY | os.O_CLOEXEC)
        return self._files[path]

    @property
    def link(self) -> rtnetlink.Netlink:
        """A socket to the kernel's tables in the host's network namespace, which stays open."""
        if self._link is None:
            with self.network():
                self._link = rtnetlink.Netlink()
        return self._link

    def has_folder(self, path: str) -> bool:
        """Whether there is a folder of that absolute path among the host's own files."""
        try:
            return stat.S_ISDIR(os.stat(path[1:] or ".", dir_fd=self._root).st_mode)
        except OSError:
            return False

    def has_tool(self, name: str) -> bool:
        """Whether the host's own files have a program of that name in the usual places."""
        return any(
            os.access(f"{folder}/{name}", os.X_OK, dir_fd=self._root) for folder in TOOL_FOLDERS
        ) and self.has_folder("/run")

    def take_file(self, path: str, largest: int) -> str:
        """The text of one of the host's own files, which is then removed."""
        try:
            descriptor = os.open(path[1:], os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._root)
        except OSError:
            return ""
        os.unlink(path[1:], dir_fd=self._root)
        return _content(descriptor, largest)

    def copy_file(self, path: str, target: Path) -> None:
        """Copy one of the host's own files, a regular one, to the new file `target`."""
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        with (
            open(os.open(path[1:], flags, dir_fd=self._root), "rb") as source,
            target.open("xb") as copy,
        ):
            if stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                shutil.copyfileobj(source, copy, CHUNK)

    def close(self) -> None:
        """Close the namespaces."""
        self._let_go()
        os.close(self._root)

    def _let_go(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        for descriptor in (*self._descriptors.values(), *self._files.values()):
            os.close(descriptor)
        self._files.clear()


class Wiring:
    """The bridges and the hosts of one topology, connected; closed, they are gone.

    It must be made by root in a process with a mount namespace of its own. Raises BadInput for
    addresses and settings that the topology cannot have.
    """

    def __init__(
        self,
        topology: Topology,
        plan: addressing.Plan,
        root: HostRoot,
        names: Mapping[str, str],
        roots: Mapping[str, HostRoot],
    ) -> None:
        """`root` belongs to all hosts but those that have another one in `roots`.

        `names` has the text of /etc/hosts of each host whose text differs from the common one.
        """
        self.plan = plan
        self.hosts: dict[str, HostNamespaces] = {}
        self._topology = topology
        self._roots = {host.name: roots.get(host.name, root) for host in topology.hosts}
        self._known = _acquaintances(topology)
        self._port: dict[tuple[str, int], int] = {}
        self._switch = _Switch()
        self._first_port = FIRST_BRIDGE + len(topology.networks)
        try:
            self._make_hosts(names)
            self._switch.add_bridges(self.plan)
            self._plug_in_all()
            self._switch_on()
            for host in topology.hosts:
                self._set_later(host)
        except BaseException:
            self.close()
            raise

    def _make_hosts(self, names: Mapping[str, str]) -> None:
        called = host_names(self._topology)
        settings = {host.name: self._settings(host) for host in self._topology.hosts}
        with moves.moving() as procfs:
            for host in sorted(self._topology.hosts, key=lambda one: bool(one.shares)):
                with moves.told_of(self._topology.file, host.name):
                    self.hosts[host.name] = HostNamespaces(
                        called[host.name],
                        self._roots[host.name],
                        settings[host.name],
                        procfs,
                        names.get(host.name),
                        self._shared(host),
                    )
        if any(host.shares for host in self._topology.hosts):
            self.hosts = {name: self.hosts[name] for name in self._topology.names()}

    def _shared(self, host: Host) -> HostNamespaces | None:
        """The host whose network a host uses if it has none of its own."""
        return self.hosts[host.shares] if host.shares else None

    def unplug(self, name: str) -> None:
        """Let nothing in or out of a host from now on, unless its network is another host's."""
        self._switch.link.send([rtnetlink.down(port) for port in self._ports_of(name)])

    def renew(self, name: str) -> None:
        """Give an unplugged host a new network, with the same addresses."""
        host = self._topology.host(name)
        self._switch.link.send([rtnetlink.remove(port) for port in self._ports_of(name)])
        self.hosts[name].renew(self._roots[name], self._settings(host), self._shared(host))
        if host.shares:
            return
        for number in range(len(host.networks)):
            self._plug_in(name, number)
        self._take_into_use(name)
        for port in self._ports_of(name):
            self._switch.link.carries(self._port_name(port))
        self._set_later(host)

    def port(self, name: str, network: str) -> int:
        """The index of the bridge's port that a host's cable to a network ends in."""
        ways = [one.network for one in self.plan.interfaces[name]]
        return self._port[name, ways.index(network)]

    @functools.cached_property
    def one_packet(self) -> OnePacket:
        """What is done to single packets on the bridges' ports."""
        return OnePacket(self._switch.link)

    def _ports_of(self, name: str) -> list[int]:
        return [port for (host, _), port in self._port.items() if host == name]

    def _port_name(self, port: int) -> str:
        return f"port{port - self._first_port}"

    def _settings(self, host: Host) -> dict[str, str]:
        """The settings that a host has before it has devices; the devices' own follow with them."""
        if host.shares:
            return {}
        six = any(self.plan.segment(one.network).six for one in host.networks)
        settings = {**SETTINGS, **(WITH_IPV6 if six else _without_ipv6())}
        if len(host.networks) > 1:
            settings["net/ipv4/ip_forward"] = "1"  # as dockerd sets it on the whole machine
        if host.domainname:
            settings["kernel/domainname"] = host.domainname
        for key, value in host.sysctls.items():
            if not _of_device(key):
                settings[_path(key)] = value
        return settings

    def _set_later(self, host: Host) -> None:
        """The settings of the host's own devices, which exist by now."""
        later = {_path(key): value for key, value in host.sysctls.items() if _of_device(key)}
        interfaces = () if host.shares else self.plan.interfaces[host.name]
        if any(one.address.ip6 for one in interfaces):
            for one in interfaces:
                if not one.address.ip6:
                    later.setdefault(f"net/ipv6/conf/{one.device}/disable_ipv6", "1")
        if later:
            with self.hosts[host.name].network(), moves.procfs() as procfs:
                for path, value in later.items():
                    moves.set_sysctl(path, value, procfs)

    def _plug_in_all(self) -> None:
        """Give each host its devices, network by network where that is all it has."""
        for host in self._topology.hosts:
            for number in range(len(host.networks)):
                self._plug_in(host.name, number)

    def _plug_in(self, name: str, number: int) -> None:
        host, own = self.hosts[name], self.plan.interfaces[name][number]
        segment, known = self.plan.segment(own.network), self._known[own.network][name]
        port = self._port.setdefault((name, number), self._first_port + len(self._port))
        cable = rtnetlink.cable(
            rtnetlink.Port(self._port_name(port), port, self._switch.bridge(own.network)),
            rtnetlink.Device(own.device, FIRST_DEVICE + number, own.address.mac),
            host.net,
            segment.network.mtu,
        )
        self._switch.link.send((cable, rtnetlink.station(port, own.address.mac)))
        host.devices[own.device] = FIRST_DEVICE + number
        host.link.offloads_off(own.device)
        host.link.send(self._set_up(own, FIRST_DEVICE + number, segment, known))

    def _set_up(
        self, own: Interface, index: int, segment: addressing.Segment, known: Sequence[str]
    ) -> Iterator[rtnetlink.Message]:
        if index == FIRST_DEVICE:
            yield rtnetlink.up(LOOPBACK_INDEX)
        yield rtnetlink.up(index)
        yield rtnetlink.one_by_one(index)
        if own.address.ip and segment.four:
            yield rtnetlink.address(index, own.address.ip, segment.four.prefix)
        if own.address.ip6 and segment.six:
            yield rtnetlink.address(index, own.address.ip6, segment.six.prefix)
        for peer in known:
            for other in self.plan.interfaces[peer]:
                if other.network == own.network:
                    for ip in other.address.all():
                        yield rtnetlink.neighbour(index, ip, other.address.mac)

    def _switch_on(self) -> None:
        """Bring every cable up: from now on the hosts reach one another."""
        for name in self._topology.owners():
            self._take_into_use(name)
        for port in self._port.values():
            self._switch.link.carries(self._port_name(port))

    def _take_into_use(self, name: str) -> None:
        """Bring a host's ends of its cables up.

        A host without cables gets its loopback device; one with a gateway gets its default route.
        """
        interfaces, host = self.plan.interfaces[name], self.hosts[name]
        for one in interfaces:
            host.link.carries(one.device)
        messages = [] if interfaces else [rtnetlink.up(LOOPBACK_INDEX)]
        if name in self.plan.routes:
            messages.append(rtnetlink.default_route(self.plan.routes[name]))
        host.link.send(messages)

    def close(self) -> None:
        """Close the hosts and the bridges; a second call does nothing."""
        for host in self.hosts.values():
            host.close()
        self.hosts.clear()
        self._switch.close()


def _acquaintances(topology: Topology) -> dict[str, dict[str, tuple[str, ...]]]:
    """For each network, whose address each of its hosts knows from the start."""
    return {
        one.name: neighbours(
            [
                host
                for host in topology.hosts
                if any(way.network == one.name for way in host.networks)
            ]
        )
        for one in topology.networks
    }


class _Switch:
    """A network namespace with the bridges in it."""

    def __init__(self) -> None:
        with moves.moving() as procfs:
            linux.unshare(linux.CLONE_NEWNET)
            for path, value in _without_ipv6().items():  # the bridge itself sends nothing
                moves.write_sysctl(path, value, procfs)
            self.net = os.open("thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC, dir_fd=procfs)
            self.link = rtnetlink.Netlink()
        self._bridges: dict[str, int] = {}

    def add_bridges(self, plan: addressing.Plan) -> None:
        """Make a bridge for each network, with the gateway's address if it has one."""
        for number, one in enumerate(plan.segments):
            index = FIRST_BRIDGE + number
            self._bridges[one.network.name] = index
            self.link.send([rtnetlink.bridge(f"br{number}", index)])
            if one.gateway and one.four:
                self.link.send([rtnetlink.address(index, one.gateway, one.four.prefix)])

    def bridge(self, network: str) -> int:
        """The index of a network's bridge."""
        return self._bridges[network]

    def close(self) -> None:
        """Close it; a second call does nothing."""
        if self.net >= 0:
            os.close(self.net)
            self.link.close()
            self.net = -1


def _content(descriptor: int, largest: int = CHUNK << 10) -> str:
    """The text of an open file, at most `largest` bytes of it; the descriptor is closed."""
    try:
        parts = []
        while largest > 0 and (data := os.read(descriptor, min(largest, CHUNK))):
            parts.append(data)
            largest -= len(data)
    finally:
        os.close(descriptor)
    return b"".join(parts).decode(errors="replace")


def _again(descriptor: int) -> str:
    """The text of an open file of the kernel's, from its beginning."""
    content = bytearray()
    while data := os.pread(descriptor, CHUNK, len(content)):
        content += data
    return content.decode(errors="replace")


def _without_ipv6() -> dict[str, str]:
    return WITHOUT_IPV6 if os.path.exists("/proc/sys/net/ipv6") else {}


def _path(key: str) -> str:
    """The path below /proc/sys of a setting as Compose writes it (sysctl(8))."""
    return key if "/" in key else key.replace(".", "/")


def _of_device(key: str) -> bool:
    """Whether a setting belongs to a device, which may have to exist first."""
    return bool(OF_DEVICE.search(key))
