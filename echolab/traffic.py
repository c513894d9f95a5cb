"""Traffic control: the tc(8) commands that give a device its links, and how to read them back.

Values only: running `tc` is an engine's work.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from echolab.errors import BadInput
from echolab.link import Link, differences, from_netem
from echolab.tc import CUT, Filter, Qdisc

BANDS = 16
"""How many bands one tc-prio(8) can have."""

DROP_PREFERENCE = 100
"""First `pref` of the filters that drop chosen packets; the captures' filters come before."""

UNCOUNTED_PREFERENCE = 90
"""`pref` of the filters that pass what IPv6 itself sends, before any packet is counted."""

CUT_PREFERENCE = 20000
"""`pref` of the first filter of a partition; each has its own, by which it is removed."""

HALVINGS = 16
"""Two-way counters after each chosen packet; see `_count_down`."""

EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
"""What every destination matches, for each version of IP."""

PROTOCOLS = {4: ("ip", "ip"), 6: ("ipv6", "ip6")}
"""What tc calls each version of IP: as the protocol of a filter, and in a match of u32."""

OF_IPV6_ITSELF = (
    ("match", "ip6", "protocol", "0", "0xff"),
    ("match", "ip6", "protocol", "58", "0xff", "match", "u8", "0x84", "0xfc", "at", "40"),
    ("match", "ip6", "protocol", "58", "0xff", "match", "u8", "0x88", "0xfc", "at", "40"),
)
"""Packets that find neighbours, routers and groups: hop-by-hop options (MLD, RFC 3810), and ICMPv6
types 132 to 139 (RFC 4861). Like ARP they do not count as packets of a host."""

Arguments = tuple[str, ...]

Addresses = Mapping[str, Sequence[str]]
"""All addresses of each host, of both versions of IP."""

Seeds = Callable[[str | None], int]
"""The seed of the link toward a host, or of the link for everybody (None)."""

WORD = (1 << 64) - 1


def seed_of(run: int, host: str, network: str, shaping: int, toward: str | None) -> int:
    """The seed of one link's own generator (tc-netem(8), `seed`), 64 bits.

    It follows from the run's seed, the host that is shaped, its network, how often that was shaped
    before, and the host that the link leads toward; so nothing else that happens in the lab changes
    which packets die. The text is hashed by FNV-1a (draft-eastlake-fnv) and mixed by SplitMix64, so
    that neighbouring seeds have nothing in common.
    """
    hashed = 0xCBF29CE484222325
    for byte in f"{run}\0{host}\0{network}\0{shaping}\0{toward or ''}".encode():
        hashed = (hashed ^ byte) * 0x100000001B3 & WORD
    mixed = (hashed ^ hashed >> 30) * 0xBF58476D1CE4E5B9 & WORD
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & WORD
    return mixed ^ mixed >> 31


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One netem of a device: its parent, its handle, and its link."""

    parent: str
    handle: str
    link: Link


@dataclasses.dataclass(frozen=True)
class Fork:
    """One tc-prio(8) of a device: its parent, its handle and its number of bands."""

    parent: str
    handle: str
    bands: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the links of a device are arranged: one netem at the root, or a tree of bands.

    `forks` are the tree's inner nodes from the root down, `leaves` its netems, the one for all
    packets first. `filters` lead packets for a host to that host's leaf.
    """

    forks: tuple[Fork, ...]
    leaves: tuple[Leaf, ...]
    filters: tuple[Filter, ...]


def layout(links: Sequence[Link], addresses: Addresses) -> Layout:
    """Arrange links: at most one for all packets, and one toward each of any number of hosts.

    Raises BadInput for two links toward one host, and for a host that is unknown or has no
    address.
    """
    common, peers = _sort_out(links, addresses)
    if not peers:
        return Layout((), (Leaf("root", "1:", common or Link()),), ())
    forks: list[Fork] = []
    leaves = [Leaf("1:1", "20:", common or Link())]
    filters: list[Filter] = []

    def grow(parent: str, handle: str, first: int, under: Sequence[Link]) -> None:
        """A fork whose bands from the number `first` on lead toward these hosts."""
        room = BANDS - (first - 1)
        size = math.ceil(len(under) / room)
        branches = [under[at : at + size] for at in range(0, len(under), size)]
        forks.append(Fork(parent, handle, first - 1 + len(branches)))
        for band, branch in enumerate(branches, start=first):
            place = f"{handle}{band:x}"
            for link in branch:
                filters.extend(
                    Filter(handle, address, place) for address in addresses[link.toward or ""]
                )
            if len(branch) == 1:
                leaves.append(Leaf(place, f"{len(leaves) + 2:x}0:", branch[0]))
            else:
                grow(place, f"{0xF000 + len(forks):x}:", 1, branch)

    grow("root", "1:", 2, peers)
    return Layout(tuple(forks), tuple(leaves), tuple(filters))


def render(
    links: Sequence[Link],
    addresses: Addresses,
    device: str = "eth0",
    seeds: Seeds | None = None,
) -> tuple[Arguments, ...]:
    """The arguments of the tc commands that shape `device` with these links.

    `links` has at most one link for all packets and one toward each host. A link that drops
    chosen packets needs the device's egress hook (clsact). With `seeds` each link draws from
    its own generator. Raises BadInput as `layout` does.
    """
    made = layout(links, addresses)
    commands: list[Arguments] = []
    for fork in made.forks:
        prio = ("prio", "bands", str(max(2, fork.bands)), "priomap", *["0"] * 16)
        commands.append(_queue(device, fork.parent, fork.handle, prio))
    for leaf in made.leaves:
        toward = leaf.link.toward
        seed = ("seed", str(seeds(toward))) if seeds else ()
        netem = ("netem", *leaf.link.netem(), *seed)
        commands.append(_queue(device, leaf.parent, leaf.handle, netem))
    commands += _classify(made.filters, device)
    commands += _drop_filters([leaf.link for leaf in made.leaves], addresses, device)
    return tuple(commands)


def _sort_out(links: Sequence[Link], addresses: Addresses) -> tuple[Link | None, tuple[Link, ...]]:
    common = [link for link in links if link.toward is None]
    peers = tuple(link for link in links if link.toward is not None)
    names = [link.toward for link in peers if link.toward is not None]
    if len(common) > 1 or len(set(names)) < len(names):
        raise BadInput("link: two links for the same packets", "give one for each destination")
    for name in names:
        if name not in addresses:
            raise BadInput(
                f"link: toward '{name}', which is not a host", f"hosts are {', '.join(addresses)}"
            )
        if not addresses[name]:
            raise BadInput(
                f"link: toward '{name}', which has no address of its own", "choose another host"
            )
    return (common[0] if common else None), peers


def _queue(device: str, parent: str, handle: str, words: Arguments) -> Arguments:
    where = ("root",) if parent == "root" else ("parent", parent)
    return ("qdisc", "replace", "dev", device, *where, "handle", handle, *words)


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _match(address: str) -> Arguments:
    """The words of u32 for a destination: an address, or a prefix."""
    version = _version(address)
    whole = address if "/" in address else f"{address}/{32 if version == 4 else 128}"
    return ("match", PROTOCOLS[version][1], "dst", whole)


def _classify(filters: Iterable[Filter], device: str) -> Iterator[Arguments]:
    """The filters of tc-u32(8) that choose a band.

    Each protocol of a queue has a preference, and with it a table of its own: 800 has the filters
    of the first one, 801 of the second. Within a table each has its own number: two with the same
    handle would be one filter, and the later would replace the earlier (net/sched/cls_u32.c,
    u32_get).
    """
    tables: dict[tuple[str, int], str] = {}
    counts: dict[tuple[str, int], int] = {}
    for one in filters:
        version = _version(one.address)
        key = (one.parent, version)
        if key not in tables:
            tables[key] = f"{0x800 + sum(parent == one.parent for parent, _ in tables):x}"
        counts[key] = counts.get(key, 0) + 1
        yield (
            "filter",
            "replace",
            "dev",
            device,
            "parent",
            one.parent,
            "protocol",
            PROTOCOLS[version][0],
            "pref",
            "1" if version == 4 else "2",
            "handle",
            f"{tables[key]}::{0x7FF + counts[key]:x}",
            "u32",
            *_match(one.address),
            "flowid",
            one.flow,
        )


def drop_preferences(commands: Iterable[Arguments]) -> tuple[str, ...]:
    """The preferences that the filters on the egress hook have among these commands."""
    found = (command[command.index("pref") + 1] for command in commands if "egress" in command)
    return tuple(dict.fromkeys(found))


def _drop_filters(links: Iterable[Link], addresses: Addresses, device: str) -> Iterator[Arguments]:
    """The filters that drop packets by their numbers; packets of both families count as one."""
    dropping = [link for link in links if link.drop]
    if not dropping:
        return
    versions = sorted({_version(address) for every in addresses.values() for address in every})
    if 6 in versions:
        for words in OF_IPV6_ITSELF:
            yield (
                *("filter", "add", "dev", device, "egress", "protocol", "ipv6", "pref"),
                *(str(UNCOUNTED_PREFERENCE), "u32", *words, "action", "gact", "pass"),
            )
    preference = DROP_PREFERENCE
    for link in dropping:
        every = [EVERYWHERE[version] for version in versions]
        targets = every if link.toward is None else addresses[link.toward]
        for earlier, number in enumerate(link.drop):
            # Filters that count together share their actions, by number.
            shared = preference << 8 if len(targets) > 1 else None
            # A packet that an earlier filter dropped never reaches this one's counter.
            actions = _count_down(number - earlier, shared)
            for target in targets:
                version = _version(target)
                at = preference + (version == 6)
                yield (
                    *("filter", "add", "dev", device, "egress", "protocol"),
                    *(PROTOCOLS[version][0], "pref", str(at), "u32", *_match(target), *actions),
                )
            preference += 2


CUT_ACTION = ("actions", "add", "action", "gact", "trap", "index", str(CUT))
"""Makes the action that drops what a partition cuts off; see `_count_down` for `trap`."""


def cut(target: str, number: int, device: str) -> Arguments:
    """The filter that drops packets to an address, by the action `CUT`.

    The `number` is the address's own on this device.
    """
    return (
        *("filter", "add", "dev", device, "egress", "protocol", PROTOCOLS[_version(target)][0]),
        *("pref", str(CUT_PREFERENCE + number), "u32", *_match(target)),
        *("action", "gact", "trap", "index", str(CUT)),
    )


def uncut(number: int, device: str) -> Arguments:
    """The command that removes that filter."""
    return ("filter", "del", "dev", device, "egress", "pref", str(CUT_PREFERENCE + number))


def _count_down(number: int, shared: int | None) -> Arguments:
    """The actions that drop the packet with that number and no later one.

    Strategy: tc-gact(8) counts: `random determ A N` does A for each N-th packet and its
    main action for the others. The first gact passes every multiple of `number` to the
    next action. Each of the `HALVINGS` gacts after it passes only the odd ones of those
    that reach it. So of the multiples only the first, the 65,537th and so on reach the
    end, which is `trap`. It removes the packet as `drop` does, but without telling the
    sender. After `drop`, TCP would retransmit at once, which no loss on the way causes.

    From the index `shared` on, several filters have the same actions, counters and all.
    """
    every = [
        ("continue", "random", "determ", "pipe", str(number)),
        *[("pipe", "random", "determ", "continue", "2")] * HALVINGS,
        ("trap",),
    ]
    words: list[str] = []
    for step, what in enumerate(every):
        words += ("action", "gact", *what)
        if shared is not None:
            words += ("index", str(shared + step))
    return tuple(words)


def read_back(qdiscs: Sequence[Qdisc], made: Layout) -> dict[str | None, Link]:
    """The links that the kernel has on a device with that layout, by where they lead.

    Drops by number are in filters, not in a queue, and are not read here.
    """
    toward = {leaf.handle: leaf.link.toward for leaf in made.leaves}
    return {
        toward[qdisc.handle]: from_netem(qdisc.netem, toward[qdisc.handle])
        for qdisc in qdiscs
        if qdisc.netem is not None and qdisc.handle in toward
    }


def compare(made: Layout, qdiscs: Sequence[Qdisc], filters: Iterable[Filter]) -> tuple[str, ...]:
    """How the kernel's links differ from the layout, one line each."""
    found = read_back(qdiscs, made)
    lines: list[str] = []
    for leaf in made.leaves:
        toward = leaf.link.toward
        if toward not in found:
            lines.append(f"the kernel has no link toward {toward or 'anyone'}")
        else:
            lines += differences(leaf.link, found[toward])
    return (*lines, *_compare_filters(made.filters, filters))


def _compare_filters(asked: Iterable[Filter], found: Iterable[Filter]) -> Iterator[str]:
    wanted, have = list(asked), list(found)
    for one in wanted:
        if one not in have:
            yield f"the kernel has no filter that leads {one.address} to {one.flow}"
    for one in have:
        if one not in wanted:
            yield f"the kernel has a filter that leads {one.address} to {one.flow}"
