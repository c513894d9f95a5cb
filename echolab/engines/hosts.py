"""The hosts' namespaces and the network that joins them, made without a process a host.

Strategy: this process moves into new namespaces, sets them up, keeps a descriptor of
each and moves back. A namespace lives as long as a descriptor of it, so everything here
vanishes when it is closed, or when this process ends in whatever way. The bridge stands
in a network namespace of its own; nothing of the machine's network is touched.
"""

from __future__ import annotations

import contextlib
import os
import socket
import zlib
from collections.abc import Iterator, Mapping, Sequence

from echolab.engines import linux, rtnetlink, sandbox
from echolab.engines.contract import Address
from echolab.topology import Topology

DEVICE = "eth0"
DEVICE_INDEX = 100
"""Above those of the tunnels that some kernels put into each new namespace."""
LOOPBACK_INDEX = 1

BRIDGE = "br0"
BRIDGE_INDEX = 100
FIRST_PORT_INDEX = 101

PREFIX = 16
PREFIX6 = 64

KNOWN_HOSTS = 16
"""How many hosts everybody knows in advance; see `neighbours`."""

CHUNK = 65536
"""Bytes that are read at once."""

KINDS = {
    "mnt": linux.CLONE_NEWNS,
    "net": linux.CLONE_NEWNET,
    "uts": linux.CLONE_NEWUTS,
    "ipc": linux.CLONE_NEWIPC,
}

SETTINGS = {
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
    "kernel/shmall": "4096",
}
"""Settings below /proc/sys of each host: ordinary users may take port 7 and ping, as in a
container; shared memory of the old kind is at most 16 MiB."""

WITHOUT_IPV6 = {"net/ipv6/conf/all/disable_ipv6": "1", "net/ipv6/conf/default/disable_ipv6": "1"}

WITH_IPV6 = {
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
}
"""Only the addresses given here, at once, and no packets about addresses nobody gave."""


def addresses(topology: Topology) -> dict[str, Address]:
    """Where each host is: IP addresses by its place in the topology, MAC by its name.

    10.7.0.0/16 holds 63,750 hosts; the unique local prefix fd07::/64 (RFC 4193) is there
    where the topology asks for IPv6. The MAC is locally administered (IEEE 802, bit 1 of
    the first byte), so that adding a host changes no other's.
    """
    found: dict[str, Address] = {}
    taken: set[str] = set()
    for number, host in enumerate(topology.hosts):
        mac = _mac(host.name, taken)
        taken.add(mac)
        third, fourth = divmod(number, 250)
        ip6 = f"fd07::{number + 1:x}" if topology.ipv6 else None
        found[host.name] = Address(f"10.7.{third}.{fourth + 1}", mac, ip6)
    return found


def _mac(name: str, taken: set[str]) -> str:
    """Two names of a lab share a checksum about never; the later one then takes the next."""
    checksum = zlib.crc32(name.encode())
    while True:
        mac = "02:07:" + checksum.to_bytes(4, "big").hex(":")
        if mac not in taken:
            return mac
        checksum = (checksum + 1) % (1 << 32)


def neighbours(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Whose address each host knows from the beginning, so that ARP is warm.

    Everybody knows and is known by the first `KNOWN_HOSTS` hosts, those that serve before
    the idle ones: in a small lab that is everybody. Other pairs of a large lab find each
    other by ARP, since entries for all of them would grow with the square of the hosts.
    """
    names = topology.names()
    ordered = sorted(topology.hosts, key=lambda host: host.idle)
    known = {host.name for host in ordered[:KNOWN_HOSTS]}
    return {
        name: tuple(peer for peer in names if peer != name and (name in known or peer in known))
        for name in names
    }


class HostNamespaces:
    """The namespaces of one host, new, with nothing on its network yet.

    Closed, they end with the last process in them.
    """

    def __init__(self, name: str, root: sandbox.SharedRoot, settings: Mapping[str, str]) -> None:
        with _moving() as procfs:
            root.enter()
            linux.unshare(sum(KINDS.values()))
            socket.sethostname(name)
            for path, value in settings.items():
                _write(path, value, procfs)
            root.furnish()
            self._root = os.open("/", os.O_PATH | os.O_CLOEXEC)
            self._descriptors = _namespaces(procfs)

    @property
    def net(self) -> int:
        """The descriptor of the network namespace."""
        return self._descriptors["net"]

    def enter(self) -> None:
        """Move this thread into all of the host's namespaces, for good."""
        for kind, descriptor in self._descriptors.items():
            linux.setns(descriptor, KINDS[kind])

    def network(self) -> contextlib.AbstractContextManager[None]:
        """Within it, this thread is in the host's network namespace."""
        return _in_network(self.net)

    def read(self, path: str) -> str:
        """The text of a file below /proc or /sys, as the host's network namespace has it."""
        if path.startswith("/sys/"):
            return _content(os.open(path[1:], os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._root))
        own = path.replace("/proc/net/", "/proc/thread-self/net/", 1)
        with self.network():
            return _content(os.open(own, os.O_RDONLY | os.O_CLOEXEC))

    def take_file(self, path: str, largest: int) -> str:
        """The text of one of the host's own files, which is then removed."""
        try:
            descriptor = os.open(path[1:], os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._root)
        except OSError:
            return ""
        os.unlink(path[1:], dir_fd=self._root)
        return _content(descriptor, largest)

    def close(self) -> None:
        """Let go of the namespaces."""
        for descriptor in (*self._descriptors.values(), self._root):
            os.close(descriptor)


class Wiring:
    """The bridge and the hosts of one topology, wired up; closed, they are gone.

    It must be made by root in a process whose mount namespace is its own.
    """

    def __init__(self, topology: Topology, root: sandbox.SharedRoot) -> None:
        self.addresses = addresses(topology)
        self.hosts: dict[str, HostNamespaces] = {}
        self._switch = _Switch()
        try:
            settings = SETTINGS | (WITH_IPV6 if topology.ipv6 else _without_ipv6())
            known = neighbours(topology)
            for number, name in enumerate(topology.names()):
                self.hosts[name] = HostNamespaces(name, root, settings)
                self._plug_in(name, number, known[name])
            self._switch_on(len(self.hosts))
        except BaseException:
            self.close()
            raise

    def _plug_in(self, name: str, number: int, known: Sequence[str]) -> None:
        host, own = self.hosts[name], self.addresses[name]
        port = FIRST_PORT_INDEX + number
        cable = rtnetlink.cable(
            rtnetlink.Port(f"port{number}", port, BRIDGE_INDEX),
            rtnetlink.Device(DEVICE, DEVICE_INDEX, own.mac),
            host.net,
        )
        self._switch.link.send((cable, rtnetlink.station(port, own.mac)))
        with host.network():
            rtnetlink.offloads_off(DEVICE)
            with rtnetlink.Netlink() as link:
                link.send(self._set_up(own, known))

    def _switch_on(self, ports: int) -> None:
        """Take every cable into use: from now on the hosts reach one another."""
        for host in self.hosts.values():
            with host.network():
                rtnetlink.carries(DEVICE)
        with _in_network(self._switch.net):
            for number in range(ports):
                rtnetlink.carries(f"port{number}")

    def _set_up(self, own: Address, known: Sequence[str]) -> Iterator[rtnetlink.Message]:
        yield rtnetlink.up(LOOPBACK_INDEX)
        yield rtnetlink.up(DEVICE_INDEX)
        yield rtnetlink.one_by_one(DEVICE_INDEX)
        yield rtnetlink.address(DEVICE_INDEX, own.ip, PREFIX)
        if own.ip6:
            yield rtnetlink.address(DEVICE_INDEX, own.ip6, PREFIX6)
        for peer in known:
            other = self.addresses[peer]
            for ip in filter(None, (other.ip, other.ip6)):
                yield rtnetlink.neighbour(DEVICE_INDEX, ip, other.mac)

    def close(self) -> None:
        """Let go of the hosts and the bridge; a second call does nothing."""
        for host in self.hosts.values():
            host.close()
        self.hosts.clear()
        self._switch.close()


class _Switch:
    """A network namespace with the bridge in it."""

    def __init__(self) -> None:
        with _moving() as procfs:
            linux.unshare(linux.CLONE_NEWNET)
            for path, value in _without_ipv6().items():  # the bridge itself says nothing
                _write(path, value, procfs)
            self.net = os.open("thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC, dir_fd=procfs)
            self.link = rtnetlink.Netlink()
        try:
            self.link.send([rtnetlink.bridge(BRIDGE, BRIDGE_INDEX)])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of it; a second call does nothing."""
        if self.net >= 0:
            os.close(self.net)
            self.link.close()
            self.net = -1


@contextlib.contextmanager
def _in_network(descriptor: int) -> Iterator[None]:
    """Within it, this thread is in the network namespace that the descriptor refers to."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(descriptor, linux.CLONE_NEWNET)
        yield
    finally:
        linux.setns(own, linux.CLONE_NEWNET)
        os.close(own)


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


def _without_ipv6() -> dict[str, str]:
    return WITHOUT_IPV6 if os.path.exists("/proc/sys/net/ipv6") else {}


@contextlib.contextmanager
def _moving() -> Iterator[int]:
    """Within it this process may change its namespaces; then it is moved back into its own.

    It gives a descriptor of /proc, which stays of use where the root has no /proc.
    """
    procfs = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
    folder = os.open(".", os.O_PATH | os.O_CLOEXEC)
    own = _namespaces(procfs)
    try:
        yield procfs
    finally:
        for kind, descriptor in own.items():
            linux.setns(descriptor, KINDS[kind])
        os.fchdir(folder)
        for descriptor in (procfs, folder, *own.values()):
            os.close(descriptor)


def _namespaces(procfs: int) -> dict[str, int]:
    """A descriptor of each of this thread's namespaces."""
    return {
        kind: os.open(f"thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=procfs)
        for kind in KINDS
    }


def _write(path: str, value: str, procfs: int) -> None:
    descriptor = os.open(f"sys/{path}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=procfs)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
