"""The link: what a host's packets meet on their way out, as one frozen value.

A `Link` renders itself to argument vectors for tc(8) and reads itself back from what
`tc -j` prints. It shapes what a host sends; both ways means both hosts.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from echolab.errors import BadInput

DEFAULT_LIMIT = 1000
"""Packets that netem queues unless told otherwise (tc-netem(8), option `limit`)."""

LARGEST_FRAME = 1514
"""Bytes of a full Ethernet frame as the queue counts it: 1500 and the 14 of its header."""

DISTRIBUTIONS = ("uniform", "normal", "pareto", "paretonormal")

DROP_PREFERENCE = 100
"""First `pref` of the filters that drop chosen packets; captures stand before them."""

HALVINGS = 16
"""Two-way counters behind each chosen packet; see `_drop_filter`."""

LARGEST_DROP = 65535
"""The counter of tc-gact(8) `random determ` is 16 bits wide."""

LARGEST_PEERS = 15
"""Bands that tc-prio(8) leaves for links toward one host: 16 and the one for the rest."""

Arguments = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Link:
    """What happens to the packets that a host sends; all zero is a clean link.

    `delay` and `jitter` are seconds; `loss`, `duplicate`, `reorder` and `corrupt` are
    probabilities from 0 to 1; `burst` is the mean length of a run of losses in packets
    (1 or more, Gilbert model); `rate` is bits per second; `limit` is packets, worked out
    from rate and delay unless given; `drop` has the numbers of the packets that die,
    counted from 1 when the link was shaped; `toward` names the one host it is for.
    Raises BadInput for a value out of range or a set that cannot mean what it says.
    """

    delay: float = 0.0
    jitter: float = 0.0
    distribution: str = "uniform"
    loss: float = 0.0
    burst: float | None = None
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    rate: float | None = None
    limit: int | None = None
    drop: tuple[int, ...] = ()
    toward: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "drop", tuple(sorted(set(self.drop))))
        _check_ranges(self)
        _check_together(self)

    def packets(self) -> int:
        """The queue's limit in packets: the one given, or room for what is under way.

        Without a rate that is 100,000 packets for each second of delay; with one, twice
        the product of rate and delay and 100 ms of queue.
        """
        if self.limit is not None:
            return self.limit
        if self.rate is None:
            under_way = math.ceil((self.delay + self.jitter) * 100_000)
            return max(DEFAULT_LIMIT, min(under_way, 1_000_000))
        waiting = self.rate * (2 * self.delay + 0.1) / 8 / LARGEST_FRAME
        return max(10, math.ceil(waiting))

    def warnings(self) -> tuple[str, ...]:
        """What is allowed and probably not meant, one line each."""
        lines = []
        if self.loss == 1.0 and self.toward is None and not self.drop:
            lines.append("loss of 100 %: nothing that this host sends arrives anywhere")
        if self.rate is not None and self.limit is not None:
            needed = self.rate * self.delay / 8 / LARGEST_FRAME
            if self.limit < needed:
                lines.append(
                    f"limit of {self.limit} packets is below rate times delay "
                    f"({math.ceil(needed)} packets): the queue drops before the rate is reached"
                )
        if self.jitter > 0 and self.reorder == 0 and self.rate is None:
            lines.append("jitter alone also reorders: a packet with less delay overtakes")
        return tuple(lines)

    def netem(self) -> Arguments:
        """The options of tc-netem(8) for this link."""
        words: list[str] = ["limit", str(self.packets())]
        if self.delay or self.jitter or self.reorder:
            words += ["delay", _milliseconds(self.delay)]
            if self.jitter:
                words.append(_milliseconds(self.jitter))
                if self.distribution != "uniform":
                    words += ["distribution", self.distribution]
        if self.loss and self.burst is not None:
            enter, leave = gilbert(self.loss, self.burst)
            words += ["loss", "gemodel", _percent(enter), _percent(leave)]
        elif self.loss:
            words += ["loss", "random", _percent(self.loss)]
        for name in ("corrupt", "duplicate", "reorder"):
            chance = getattr(self, name)
            if chance:
                words += [name, _percent(chance)]
        if self.rate is not None:
            words += ["rate", f"{self.rate:.0f}bit"]
        return tuple(words)


def gilbert(loss: float, burst: float) -> tuple[float, float]:
    """Chances to enter and to leave the losing state for a rate of loss and a mean run.

    In the Gilbert model a run of losses has the mean length 1/r, and the share of time
    in the losing state is p/(p+r) (tc-netem(8), `loss gemodel p r`).
    """
    leave = 1.0 / burst
    return leave * loss / (1.0 - loss), leave


def _check_ranges(link: Link) -> None:
    for name in ("loss", "duplicate", "reorder", "corrupt"):
        value = getattr(link, name)
        if not 0.0 <= value <= 1.0:
            raise BadInput(f"link: {name} of {value:g} is no probability", "give 0 to 1")
    for name in ("delay", "jitter"):
        value = getattr(link, name)
        if not 0.0 <= value <= 4000.0:
            raise BadInput(f"link: {name} of {value:g} s is out of range", "give 0 to 4000 s")
    if link.distribution not in DISTRIBUTIONS:
        raise BadInput(
            f"link: there is no distribution '{link.distribution}'",
            f"choose {', '.join(DISTRIBUTIONS)}",
        )
    if link.rate is not None and not 1e3 <= link.rate <= 1e11:
        raise BadInput(f"link: rate of {link.rate:g} bit/s is out of range", "give 1e3 to 1e11")
    if link.limit is not None and not 1 <= link.limit <= 10_000_000:
        raise BadInput(f"link: limit of {link.limit} packets", "give 1 to 10,000,000")
    for number in link.drop:
        if not 1 <= number <= LARGEST_DROP:
            raise BadInput(
                f"link: drop of packet {number}", f"packets count from 1 to {LARGEST_DROP}"
            )


def _check_together(link: Link) -> None:
    if link.jitter > link.delay:
        raise BadInput(
            f"link: jitter of {link.jitter:g} s is larger than the delay of {link.delay:g} s",
            "a packet cannot arrive before it was sent; raise the delay",
        )
    if link.reorder and not link.delay:
        raise BadInput(
            "link: reorder without delay does nothing", "give a delay for a packet to overtake"
        )
    if link.distribution != "uniform" and not link.jitter:
        raise BadInput(f"link: distribution {link.distribution} without jitter", "give a jitter")
    if link.burst is None:
        return
    if link.burst < 1 or not 0 < link.loss < 1:
        raise BadInput(
            "link: burst needs a mean run of 1 packet or more and a loss between 0 and 1",
            "for example Link(loss=0.1, burst=5)",
        )
    if gilbert(link.loss, link.burst)[0] > 1:
        raise BadInput(
            f"link: a loss of {link.loss:g} cannot come in runs of {link.burst:g}",
            f"make burst at least {link.loss / (1 - link.loss):g}",
        )


def _percent(chance: float) -> str:
    return f"{chance * 100:.10g}%"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.10g}ms"


def render(
    links: Sequence[Link], addresses: Mapping[str, str], device: str = "eth0"
) -> tuple[Arguments, ...]:
    """Arguments of the tc commands that shape `device` with one link and those toward hosts.

    `addresses` has the address of each host by name. The device's egress hook (clsact)
    must be there where a link drops chosen packets. Raises BadInput for two links toward
    one host, an unknown host, or more peers than bands.
    """
    common, peers = _sort_out(links, addresses)
    commands: list[Arguments] = []
    if not peers:
        netem = common.netem() if common else ()
        commands.append(
            ("qdisc", "replace", "dev", device, "root", "handle", "1:", "netem", *netem)
        )
    else:
        commands += _bands(common or Link(), peers, addresses, device)
    commands += _drop_filters(common, peers, addresses, device)
    return tuple(commands)


def _sort_out(
    links: Sequence[Link], addresses: Mapping[str, str]
) -> tuple[Link | None, tuple[Link, ...]]:
    common = [link for link in links if link.toward is None]
    peers = tuple(link for link in links if link.toward is not None)
    names = [link.toward for link in peers]
    if len(common) > 1 or len(set(names)) < len(names):
        raise BadInput("link: two links for the same packets", "give one for each direction")
    for name in names:
        if name not in addresses:
            raise BadInput(
                f"link: toward '{name}', which is no host", f"hosts are {', '.join(addresses)}"
            )
    if len(peers) > LARGEST_PEERS:
        raise BadInput(
            f"link: {len(peers)} links toward single hosts", f"at most {LARGEST_PEERS} are possible"
        )
    return (common[0] if common else None), peers


def _bands(
    common: Link, peers: Sequence[Link], addresses: Mapping[str, str], device: str
) -> Iterable[Arguments]:
    """A tc-prio(8) root whose first band is for all and each further one for one host."""
    bands = str(len(peers) + 1) if peers else "2"
    yield (
        *("qdisc", "replace", "dev", device, "root", "handle", "1:", "prio"),
        *("bands", bands, "priomap", *["0"] * 16),
    )
    for band, link in enumerate((common, *peers), start=1):
        yield (
            *("qdisc", "replace", "dev", device, "parent", f"1:{band:x}"),
            *("handle", f"{band + 1:x}0:", "netem", *link.netem()),
        )
    for band, link in enumerate(peers, start=2):
        yield (
            *("filter", "replace", "dev", device, "parent", "1:", "protocol", "ip"),
            *("pref", str(band), "handle", "800::800", "u32"),
            *("match", "ip", "dst", f"{addresses[link.toward or '']}/32"),
            *("flowid", f"1:{band:x}"),
        )


def _drop_filters(
    common: Link | None, peers: Sequence[Link], addresses: Mapping[str, str], device: str
) -> Iterable[Arguments]:
    preference = DROP_PREFERENCE
    for link in (*([common] if common else []), *peers):
        target = addresses[link.toward] if link.toward else None
        for earlier, number in enumerate(link.drop):
            # A packet that an earlier filter dropped never reaches this one's counter.
            yield _drop_filter(number - earlier, preference, target, device)
            preference += 1


def _drop_filter(number: int, preference: int, target: str | None, device: str) -> Arguments:
    """The filter that drops the packet of that number and no later one.

    Strategy: tc-gact(8) counts: `random determ A N` does A for each N-th packet and its
    main action for the others. The first gact lets every multiple of `number` go on to
    the next action. Each of the `HALVINGS` gacts behind it lets only the odd ones of what
    reaches it go on, so that of the multiples only the first, the 65,537th and so on
    reach the end. That is `trap`, which takes the packet away as `drop` does, but does not
    tell the sender: TCP would send again at once, as no loss on the way makes it do.
    """
    where = f"{target}/32" if target else "0.0.0.0/0"
    words: list[str] = [
        *("filter", "add", "dev", device, "egress", "protocol", "ip"),
        *("pref", str(preference), "u32", "match", "ip", "dst", where),
        *("action", "gact", "continue", "random", "determ", "pipe", str(number)),
    ]
    for _ in range(HALVINGS):
        words += ["action", "gact", "pipe", "random", "determ", "continue", "2"]
    return (*words, "action", "gact", "trap")


def read_back(qdiscs: Sequence[Mapping[str, Any]], peers: Sequence[str] = ()) -> tuple[Link, ...]:
    """The links that the kernel has, from the JSON of `tc -j qdisc show dev eth0`.

    `peers` are the names of the hosts in the order in which `render` was given them.
    Chosen drops stand in filters, not in the queue, and are not read here.
    """
    links = []
    for qdisc in qdiscs:
        if qdisc.get("kind") != "netem":
            continue
        band = int(str(qdisc.get("parent", "1:1")).rpartition(":")[2] or "1", 16)
        toward = peers[band - 2] if not qdisc.get("root") and band >= 2 else None
        links.append(_from_options(qdisc["options"], toward))
    return tuple(links)


def _from_options(options: Mapping[str, Any], toward: str | None) -> Link:
    def chance(name: str, field: str) -> float:
        return float(options.get(name, {}).get(field, 0.0))

    delay = options.get("delay", {})
    burst: float | None = None
    loss = chance("loss-random", "loss")
    if "loss-gemodel" in options:
        model = options["loss-gemodel"]
        enter, leave = float(model["p"]), float(model["r"])
        loss, burst = enter / (enter + leave), 1.0 / leave
    rate = options.get("rate")
    return Link(
        delay=float(delay.get("delay", 0.0)),
        jitter=float(delay.get("jitter", 0.0)),
        loss=loss,
        burst=burst,
        duplicate=chance("duplicate", "duplicate"),
        reorder=chance("reorder", "reorder"),
        corrupt=chance("corrupt", "corrupt"),
        rate=float(rate["rate"]) * 8 if rate else None,
        limit=int(options["limit"]),
        toward=toward,
    )


def differences(asked: Link, found: Link) -> tuple[str, ...]:
    """What the kernel has other than was asked for, one line each; empty where it agrees.

    The kernel keeps chances in 32 bits and times in nanoseconds, so that a part in a
    million is rounding. The shape of a jitter is a table the kernel does not give back.
    """
    lines = []
    for name in ("delay", "jitter", "loss", "burst", "duplicate", "reorder", "corrupt", "rate"):
        want, have = getattr(asked, name), getattr(found, name)
        if (want is None) != (have is None):
            lines.append(f"{name}: asked for {want}, the kernel has {have}")
        elif want is not None and not math.isclose(want, have, rel_tol=1e-6, abs_tol=1e-9):
            lines.append(f"{name}: asked for {want:g}, the kernel has {have:g}")
    if asked.packets() != found.packets():
        lines.append(f"limit: asked for {asked.packets()}, the kernel has {found.packets()}")
    return tuple(lines)
