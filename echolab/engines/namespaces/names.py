"""The names by which hosts find one another: the text of each host's /etc/hosts.

As in Docker's name service, a name means the addresses of hosts on the networks that the asking
host is on, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from echolab.engines.contract import Address, Interface
from echolab.topology import Host, Topology

LOCAL = ("127.0.0.1 localhost", "::1 localhost")

Interfaces = Mapping[str, tuple[Interface, ...]]


def hosts_files(topology: Topology, interfaces: Interfaces) -> dict[str, str]:
    """The text of each host's /etc/hosts (hosts(5)).

    A host that shares another host's network has that host's names.
    """
    if _alike(topology):
        text = _text([*LOCAL, *_peers(topology, topology.hosts[0], interfaces)])
        return dict.fromkeys(topology.names(), text)
    found = {
        host.name: _text(
            [*LOCAL, *_own(host, interfaces), *_peers(topology, host, interfaces), *_extra(host)]
        )
        for host in topology.hosts
    }
    return {host.name: found[host.shares or host.name] for host in topology.hosts}


def several_addresses(files: Mapping[str, str]) -> bool:
    """Whether, in any of these texts, a name other than localhost has more than one address."""
    for text in set(files.values()):
        lines = text.splitlines()[len(LOCAL) :]
        names = [name for line in lines for name in line.split()[1:]]
        if len(set(names)) < len(names):
            return True
    return False


def host_names(topology: Topology) -> dict[str, str]:
    """What each host calls itself (gethostname(2))."""
    names = {host.name: host.hostname or host.name for host in topology.hosts}
    return {host.name: names[host.shares or host.name] for host in topology.hosts}


def _alike(topology: Topology) -> bool:
    """Whether all hosts have the same names for the same hosts."""
    return len({host.networks[0].network for host in topology.hosts if host.networks}) == 1 and all(
        len(host.networks) == 1
        and not (host.shares or host.hostname or host.domainname or host.links or host.extra_hosts)
        for host in topology.hosts
    )


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _own(host: Host, interfaces: Interfaces) -> Iterator[str]:
    """A host's own name, if it differs from the name by which others know it."""
    if host.hostname or host.domainname:
        name = host.hostname or host.name
        whole = f"{name}.{host.domainname} " if host.domainname else ""
        for one in interfaces[host.name]:
            yield from _lines(one.address, f"{whole}{name}")


def _peers(topology: Topology, host: Host, interfaces: Interfaces) -> Iterator[str]:
    """The hosts on each of a host's networks.

    A name that one network has is not searched for on the next (libnetwork, sandbox.go,
    resolveName).
    """
    known: set[str] = set()
    for network in (one.network for one in host.networks):
        here: set[str] = set()
        for peer in topology.hosts:
            names = _names(peer, network, host.links)
            own = next((one for one in interfaces[peer.name] if one.network == network), None)
            new = [name for name in names if name not in known]
            if own and new:
                yield from _lines(own.address, " ".join(new))
                here.update(new)
        known |= here


def _names(peer: Host, network: str, links: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The names of a host on a network, given these links; nothing if it is not there."""
    for one in peer.networks:
        if one.network == network:
            service = (peer.name, *one.aliases)
            linked = [alias for name, alias in links if name in service]
            return tuple(dict.fromkeys((*service, *linked)))
    return ()


def _extra(host: Host) -> Iterator[str]:
    for name, addresses in host.extra_hosts.items():
        for address in addresses:
            yield f"{address.strip('[]')} {name}"


def _lines(address: Address, names: str) -> Iterator[str]:
    for ip in (address.ip, address.ip6):
        if ip:
            yield f"{ip} {names}"
