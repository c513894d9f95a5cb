"""Which addresses, device names and gateways the hosts of a topology have: a plan.

Values only. Docker assigns addresses in the same order: first those that the file fixes, then
for each other host the next one of the network's range.
"""

from __future__ import annotations

import dataclasses
import socket
import zlib
from collections.abc import Iterator, Mapping

from echolab.engines.contract import Address, Interface
from echolab.errors import BadInput
from echolab.topology import Attachment, Host, Network, Topology

OWN_PREFIX, OWN_PREFIX6 = 16, 64
"""Prefix lengths of networks whose subnets are ours to choose."""

FIRST_NETWORK, LAST_NETWORK = 7, 255
"""Ours are 10.7.0.0/16 to 10.255.0.0/16, and fd07::/64 and those after it (RFC 4193)."""

IN_A_ROW = 250
"""Hosts of one of our networks for each value of the third byte."""


@dataclasses.dataclass(frozen=True)
class Subnet:
    """A subnet: its prefix length, and its addresses as numbers from `first` on."""

    first: int
    prefix: int
    six: bool = False

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return 1 << ((128 if self.six else 32) - self.prefix)

    def has(self, address: int) -> bool:
        """Whether an address is within it."""
        return self.first <= address < self.first + self.size

    def overlaps(self, other: Subnet) -> bool:
        """Whether the two have addresses in common."""
        same = self.six == other.six
        return same and (self.has(other.first) or other.has(self.first))


@dataclasses.dataclass(frozen=True)
class Segment:
    """One network as it will be made: its subnets, and the gateway that leads out of it, or ""."""

    network: Network
    four: Subnet | None
    six: Subnet | None
    gateway: str = ""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plan of all networks and hosts.

    `interfaces` has each host's, in the order of its devices; a host that shares another host's
    network has the same ones. `routes` has the gateway of each host that has one.
    """

    segments: tuple[Segment, ...]
    interfaces: Mapping[str, tuple[Interface, ...]]
    routes: Mapping[str, str]

    def segment(self, name: str) -> Segment:
        """The network of that name, as it will be made."""
        return next(one for one in self.segments if one.network.name == name)

    def addresses(self) -> dict[str, Address]:
        """Where each host is on its first network."""
        return {
            host: found[0].address if found else Address("", "")
            for host, found in self.interfaces.items()
        }


def plan(topology: Topology) -> Plan:
    """The plan of a topology.

    Raises BadInput, with the file, for addresses that do not fit: outside their subnet, taken
    twice, or more hosts than a subnet has addresses.
    """
    segments = tuple(_segments(topology))
    taken_macs: set[str] = set()
    macs: dict[tuple[str, str], str] = {}
    for host in topology.hosts:
        for number, one in enumerate(host.networks):
            mac = one.mac or _mac(host.name if number == 0 else f"{host.name} {one.network}")
            while mac in taken_macs and not one.mac:
                mac = _next_mac(mac)
            taken_macs.add(mac)
            macs[host.name, one.network] = mac
    numbers = {one.network.name: _Numbers(topology, one) for one in segments}
    interfaces: dict[str, tuple[Interface, ...]] = {}
    for host in topology.hosts:
        interfaces[host.name] = tuple(
            Interface(
                network=one.network,
                device=f"eth{number}",
                address=numbers[one.network].address(host.name, macs[host.name, one.network]),
            )
            for number, one in enumerate(host.networks)
        )
    for host in topology.hosts:
        if host.shares:
            interfaces[host.name] = interfaces[_owner(topology, host)]
    return Plan(segments, interfaces, dict(_routes(topology, segments)))


def is_plain(topology: Topology) -> bool:
    """Whether a lab is one network without fixed addresses, and no host is a router.

    No route leads out of its network.
    """
    networks = topology.networks
    routing = any(
        host.capabilities or any("forward" in key for key in host.sysctls)
        for host in topology.hosts
    )
    return len(networks) <= 1 and not routing and not any(one.subnets for one in networks)


def _owner(topology: Topology, host: Host) -> str:
    owner = topology.host(host.shares)
    if owner.shares:
        raise BadInput(
            f"{topology.file}: {host.name} shares the network of {owner.name}, "
            f"which shares that of {owner.shares}",
            f"write 'network_mode: service:{owner.shares}'",
        )
    return owner.name


def _routes(topology: Topology, segments: tuple[Segment, ...]) -> Iterator[tuple[str, str]]:
    gateways = {one.network.name: one.gateway for one in segments}
    for host in topology.hosts:
        ways = sorted(host.networks, key=lambda one: -one.gateway_priority)
        leading = [gateways[one.network] for one in ways if gateways[one.network]]
        if leading:
            yield host.name, leading[0]


def _segments(topology: Topology) -> Iterator[Segment]:
    plain = is_plain(topology)
    where = topology.file
    asked = {
        one.name: tuple(_subnet(text, where) for text in one.subnets) for one in topology.networks
    }
    fixed = [subnet for every in asked.values() for subnet in every]
    for one in topology.networks:
        four = next((subnet for subnet in asked[one.name] if not subnet.six), None)
        six = next((subnet for subnet in asked[one.name] if subnet.six), None)
        if four is None and one.ipv4:
            four = _free(fixed, six=False, where=where)
            fixed.append(four)
        if six is None and one.ipv6:
            six = _free(fixed, six=True, where=where)
            fixed.append(six)
        four, six = four if one.ipv4 else None, six if one.ipv6 else None
        yield Segment(one, four, six, _gateway(one, four, where) if not plain else "")


def _free(fixed: list[Subnet], *, six: bool, where: str) -> Subnet:
    """The first of our subnets that no other one overlaps."""
    for number in range(FIRST_NETWORK, LAST_NETWORK + 1):
        if six:
            base = "fd07::" if number == FIRST_NETWORK else f"fd07:0:0:{number - FIRST_NETWORK:x}::"
            found = Subnet(_number(base), OWN_PREFIX6, six=True)
        else:
            found = Subnet(_number(f"10.{number}.0.0"), OWN_PREFIX)
        if not any(found.overlaps(other) for other in fixed):
            return found
    raise BadInput(
        f"{where} has more networks than have room in 10.0.0.0/8", "give them subnets (ipam)"
    )


def _gateway(network: Network, four: Subnet | None, where: str) -> str:
    """The address of the network's gateway: the file's, or the first one as in Docker.

    In one of our subnets it is the last one, so that it takes no host's place.
    """
    if four is None or network.internal:
        return ""
    for text in network.gateways:
        if ":" not in text:
            if not four.has(_number(text)):
                raise BadInput(
                    f"{where}: the gateway {text} of network {network.name} is not in its subnet",
                    "fix the file",
                )
            return text
    if not any("." in text for text in network.subnets):
        return _text(four.first + four.size - 2, six=False)
    ranges = [_subnet(text, where) for text in network.ranges if "." in text]
    start = ranges[0] if ranges else four
    return _text(max(start.first, four.first + 1), six=False)


class _Numbers:
    """The addresses of one network's hosts, assigned in the order of the file."""

    def __init__(self, topology: Topology, segment: Segment) -> None:
        self._segment = segment
        name = segment.network.name
        members = [
            (host.name, one)
            for host in topology.hosts
            for one in host.networks
            if one.network == name
        ]
        where = f"{topology.file}: network {name}"
        self._four = _given(members, segment, segment.four, where) if segment.four else {}
        self._six = _given(members, segment, segment.six, where) if segment.six else {}

    def address(self, host: str, mac: str) -> Address:
        """Where a host is on this network."""
        return Address(self._four.get(host, ""), mac, self._six.get(host))


def _given(
    members: list[tuple[str, Attachment]], segment: Segment, subnet: Subnet, where: str
) -> dict[str, str]:
    """The address of each member within a subnet. Raises BadInput if they run out."""
    given = {host: one.ip6 if subnet.six else one.ip for host, one in members}
    holders = _holders(given, segment, subnet, where)
    free = _free_numbers(segment, subnet, where)
    for host, text in given.items():
        if not text:
            number = next((one for one in free if one not in holders), None)
            if number is None:
                raise BadInput(f"{where} has no address left for {host}", "give it a wider subnet")
            given[host] = _text(number, six=subnet.six)
    return given


def _holders(
    given: Mapping[str, str], segment: Segment, subnet: Subnet, where: str
) -> dict[int, str]:
    """Who holds the addresses that the file fixes. Raises BadInput for one that cannot be used."""
    network = segment.network
    holders: dict[int, str] = {}
    for text in (*network.gateways, *network.reserved, segment.gateway):
        if text and (":" in text) == subnet.six:
            holders[_number(text)] = "the network itself"
    for host, text in given.items():
        if not text:
            continue
        number = _number(text)
        if not any((":" in one) == subnet.six for one in network.subnets):
            raise BadInput(
                f"{where}: {host} asks for {text}, but the network has no subnet in the file",
                "give it one (ipam, config, subnet)",
            )
        if not subnet.has(number) or number == subnet.first:
            raise BadInput(f"{where}: {text} of {host} is not in its subnet", "fix the file")
        if number in holders:
            raise BadInput(
                f"{where}: {host} and {holders[number]} have the address {text}",
                "give each its own",
            )
        holders[number] = host
    return holders


def _free_numbers(segment: Segment, subnet: Subnet, where: str) -> Iterator[int]:
    """The addresses that hosts may have, in order."""
    ours = not any((":" in text) == subnet.six for text in segment.network.subnets)
    if ours and not subnet.six:
        for number in range(subnet.size // 256 * IN_A_ROW):
            third, fourth = divmod(number, IN_A_ROW)
            yield subnet.first + (third << 8) + fourth + 1
        return
    ranges = [_subnet(text, where) for text in segment.network.ranges]
    within = next((one for one in ranges if one.six == subnet.six), subnet)
    # Neither the network's own address nor that for broadcasts (RFC 919) is a host's.
    last = subnet.first + subnet.size - (1 if subnet.six else 2)
    yield from range(max(within.first, subnet.first + 1), min(within.first + within.size, last + 1))


def _subnet(text: str, where: str) -> Subnet:
    base, _, prefix = text.partition("/")
    six = ":" in base
    width = 128 if six else 32
    length = int(prefix or width)
    first = _number(base) >> (width - length) << (width - length)
    if length > width - 2:
        raise BadInput(f"{where}: the subnet {text} has no room for hosts", "give a wider one")
    return Subnet(first, length, six)


def _number(text: str) -> int:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return int.from_bytes(socket.inet_pton(family, text), "big")


def _text(number: int, *, six: bool) -> str:
    if six:
        return socket.inet_ntop(socket.AF_INET6, number.to_bytes(16, "big"))
    return socket.inet_ntop(socket.AF_INET, number.to_bytes(4, "big"))


def _mac(name: str) -> str:
    """A hardware address derived from a name, so that adding a host changes no other's.

    It is locally administered (IEEE 802, bit 1 of the first byte). Two names of a lab hardly ever
    share a checksum; if they do, the later one gets the next address.
    """
    return "02:07:" + zlib.crc32(name.encode()).to_bytes(4, "big").hex(":")


def _next_mac(mac: str) -> str:
    number = int(mac.replace(":", "")[4:], 16) + 1
    return "02:07:" + (number % (1 << 32)).to_bytes(4, "big").hex(":")
