"""Scenarios that tell a kernel of links by tc(8) and by messages; test_qdiscs.py judges them."""

import functools
import json
import random
import struct

from echolab import Lab, Link, scenario, traffic
from echolab.engines.namespaces import qdiscs, rtnetlink
from echolab.engines.namespaces.hosts import FIRST_DEVICE
from echolab.engines.namespaces.network import NamespaceNetwork
from echolab.errors import CannotRun

BY_US, BY_TC = "client", "server"

TIMES = {qdiscs.TCA_NETEM_LATENCY64: "delay", qdiscs.TCA_NETEM_JITTER64: "jitter"}

DELETE = ("qdisc", "del", "dev", "eth0", "root")

SHOWS = tuple((*show, "eth0") for show in qdiscs.SHOW)


@scenario(baseline=False, measured=False)
def drawn(lab: Lab, links: int = 0) -> None:
    """Tell two hosts of the same drawn links, one in each way, and note what each kernel has."""
    network = _network(lab)
    chance = random.Random(f"{links} links")
    before: tuple[Link, ...] = ()
    for _ in range(links):
        asked = (_link(chance), *_toward(chance))
        forked, fork = len(before) > 1, len(asked) > 1
        if before and (forked or fork or chance.random() < 0.5):
            # Otherwise the link changes the queue as it stands.
            network.tc(BY_US, DELETE)
            network._run_tc(BY_TC, DELETE)
        before = asked
        seed = chance.getrandbits(64)
        for words in traffic.render(asked, _addresses(lab), seeds=functools.partial(_seed, seed)):
            network.tc(BY_US, words)
            network._run_tc(BY_TC, words)
        told = [_queues(lab, host) for host in (BY_US, BY_TC)]
        lab.note("told", repr(asked), told)
        for words in SHOWS:
            shown = [json.loads(tell(BY_TC, words)) for tell in (network.tc, network._run_tc)]
            lab.note("shown", " ".join(words), shown)


@scenario(baseline=False, measured=False)
def refused(lab: Lab) -> None:
    """Ask for what the kernel, and then tc, refuses."""
    try:
        _network(lab).tc(BY_US, DELETE)
    except CannotRun as error:
        lab.note("refused", error.message)


def _seed(first: int, toward: str | None) -> int:
    return first ^ len(toward or "")


def _network(lab: Lab) -> NamespaceNetwork:
    network = lab._network
    assert isinstance(network, NamespaceNetwork)
    return network


def _addresses(lab: Lab) -> traffic.Addresses:
    return {name: (address.ip,) for name, address in _network(lab).addresses.items()}


def _link(chance: random.Random, toward: str | None = None) -> Link:
    """A link that has each property in half of all cases."""

    def maybe(value: float) -> float:
        return value if chance.random() < 0.5 else 0.0

    delay = maybe(chance.choice((10.0 ** chance.uniform(-5, 2), chance.randint(1, 400) / 1000)))
    loss = maybe(chance.choice((1.0, chance.uniform(0.001, 0.9))))
    bursts = 0 < loss <= 0.5 and chance.random() < 0.5
    return Link(
        delay=delay,
        jitter=maybe(delay * chance.random()),
        loss=loss,
        burst=chance.uniform(1.0, 20.0) if bursts else None,
        duplicate=maybe(chance.random()),
        reorder=maybe(chance.random()) if delay else 0.0,
        corrupt=maybe(chance.random()),
        rate=10.0 ** chance.uniform(3, 11) if chance.random() < 0.5 else None,
        limit=chance.choice((None, chance.randint(1, 10_000))),
        toward=toward,
    )


def _toward(chance: random.Random) -> tuple[Link, ...]:
    return tuple(_link(chance, name) for name in (BY_US, BY_TC) if chance.random() < 0.2)


def _queues(lab: Lab, host: str) -> list[dict[str, object]]:
    """What the kernel has of each queue of a host, the times apart from all else."""
    found: list[dict[str, object]] = []
    with _network(lab)._wiring.hosts[host].network(), rtnetlink.Netlink() as link:
        for payload in link.dump(rtnetlink.RTM_GETQDISC, bytes(20)):
            device, handle, parent, _ = struct.unpack_from("=iIII", payload, 4)
            if device != FIRST_DEVICE:
                continue
            attributes = dict(rtnetlink.attributes_of(payload[20:]))
            options = attributes.get(rtnetlink.TCA_OPTIONS, b"")
            kind = attributes[rtnetlink.TCA_KIND].decode().rstrip("\0")
            queue: dict[str, object] = {"kind": kind, "handle": handle, "parent": parent}
            if kind == "netem":
                queue |= {"plain": list(struct.unpack("=IIIIII", options[:24])[1:5])}
                for number, value in rtnetlink.attributes_of(options[24:]):
                    name = TIMES.get(number)
                    queue[name or str(number)] = (
                        struct.unpack("=q", value)[0] if name else value.hex()
                    )
            else:
                queue["options"] = options.hex()
            found.append(queue)
    return found


@scenario(baseline=False, measured=False)
def cutting(lab: Lab) -> None:
    """Cut both hosts off from two addresses, take one cut back, and note what each kernel has."""
    network = _network(lab)
    addresses = ("10.1.2.3", "fd00::1:2")
    shows = (
        ("-j", "qdisc", "show", "dev", "eth0"),
        ("filter", "show", "dev", "eth0", "egress"),
        ("-s", "-j", "actions", "list", "action", "gact"),
    )
    told = [
        ("qdisc", "add", "dev", "eth0", "clsact"),
        traffic.CUT_ACTION,
        *(traffic.cut(ip, number, "eth0") for number, ip in enumerate(addresses)),
        traffic.uncut(0, "eth0"),
    ]
    for words in told:
        network._run_tc(BY_TC, words)
        at = network._wiring.hosts[BY_US]
        known = qdiscs.perform(at.link, words, at.devices) is not None
        shown = [[network._run_tc(host, show) for show in shows] for host in (BY_US, BY_TC)]
        lab.note("cut", " ".join(words), [known, *shown])
