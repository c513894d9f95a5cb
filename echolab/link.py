"""The link: what happens to the packets that a host sends, as one frozen value.

A `Link` says which options of tc-netem(8) it needs, and can be read back from the kernel's;
`echolab.traffic` writes the commands. It shapes what a host sends; to shape both directions, shape
both hosts.
"""

from __future__ import annotations

import dataclasses
import math

from echolab.errors import BadInput
from echolab.tc import Netem

DEFAULT_LIMIT = 1000
"""Packets that netem queues by default (tc-netem(8), option `limit`)."""

LARGEST_LIMIT = 10_000_000
"""The most packets that a queue may hold here: their bookkeeping alone takes gigabytes."""

LARGEST_FRAME = 1514
"""Bytes of a full Ethernet frame as the queue counts it: 1500 and a header of 14."""

DISTRIBUTIONS = ("uniform", "normal", "pareto", "paretonormal")

LARGEST_DROP = 65535
"""The counter of tc-gact(8) `random determ` is 16 bits wide."""


@dataclasses.dataclass(frozen=True)
class Link:
    """What happens to the packets that a host sends; the default is a clean link.

    `delay` and `jitter` are seconds; `loss`, `duplicate`, `reorder` and `corrupt` are
    probabilities from 0 to 1; `burst` is the mean length of a run of losses in packets
    (1 or more, Gilbert model); `rate` is bits per second; `limit` is packets, computed
    from rate and delay if not given; `drop` has the numbers of the packets to drop,
    counted from 1 when the link was shaped; `toward` names the only host it applies to.
    Raises BadInput for a value out of range or for values that contradict each other.
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
        """The queue's limit in packets: the one given, or room for the packets in flight.

        Without a rate that is 100,000 packets for each second of delay. With a rate it is
        twice the product of rate and delay plus 100 ms of queue, at most 10,000,000.
        """
        if self.limit is not None:
            return self.limit
        if self.rate is None:
            under_way = math.ceil((self.delay + self.jitter) * 100_000)
            return max(DEFAULT_LIMIT, min(under_way, 1_000_000))
        waiting = self.rate * (2 * self.delay + 0.1) / 8 / LARGEST_FRAME
        return max(10, min(math.ceil(waiting), LARGEST_LIMIT))

    def warnings(self) -> tuple[str, ...]:
        """What is allowed but probably a mistake, one line each."""
        lines = []
        if self.loss == 1.0 and self.toward is None and not self.drop:
            lines.append("loss of 100 %: nothing that this host sends arrives anywhere")
        if self.rate is not None:
            needed = self.rate * self.delay / 8 / LARGEST_FRAME
            if self.packets() < needed:
                lines.append(
                    f"limit of {self.packets()} packets is below rate times delay "
                    f"({math.ceil(needed)} packets): the queue drops before the rate is reached"
                )
        if self.jitter > 0 and self.reorder == 0 and self.rate is None:
            lines.append("jitter alone also reorders: a packet with less delay overtakes")
        return tuple(lines)

    def netem(self) -> tuple[str, ...]:
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
    """The chances of entering and leaving the losing state, for a loss rate and a mean run.

    In the Gilbert model a run of losses has the mean length 1/r, and the share of packets
    in the losing state is p/(p+r) (tc-netem(8), `loss gemodel p r`).
    """
    leave = 1.0 / burst
    return leave * loss / (1.0 - loss), leave


def _check_ranges(link: Link) -> None:
    for name in ("loss", "duplicate", "reorder", "corrupt"):
        value = getattr(link, name)
        if not 0.0 <= value <= 1.0:
            raise BadInput(
                f"link: {name} of {value:g} is not a probability", "it must be between 0 and 1"
            )
    for name in ("delay", "jitter"):
        value = getattr(link, name)
        if not 0.0 <= value <= 4000.0:
            raise BadInput(
                f"link: {name} of {value:g} s is out of range", "it must be between 0 and 4000 s"
            )
    if link.distribution not in DISTRIBUTIONS:
        raise BadInput(
            f"link: unknown distribution '{link.distribution}'",
            f"choose {', '.join(DISTRIBUTIONS)}",
        )
    if link.rate is not None and not 1e3 <= link.rate <= 1e11:
        raise BadInput(
            f"link: rate of {link.rate:g} bit/s is out of range",
            "it must be between 1e3 and 1e11 bit/s",
        )
    if link.limit is not None and not 1 <= link.limit <= LARGEST_LIMIT:
        raise BadInput(
            f"link: limit of {link.limit} packets is out of range",
            "it must be between 1 and 10,000,000 packets",
        )
    for number in link.drop:
        if not 1 <= number <= LARGEST_DROP:
            raise BadInput(
                f"link: cannot drop packet {number}",
                f"packet numbers go from 1 to {LARGEST_DROP}",
            )


def _check_together(link: Link) -> None:
    if link.jitter > link.delay:
        raise BadInput(
            f"link: jitter of {link.jitter:g} s is larger than the delay of {link.delay:g} s",
            "a packet cannot arrive before it was sent; raise the delay",
        )
    if link.reorder and not link.delay:
        raise BadInput(
            "link: reorder without delay does nothing",
            "give a delay, so that a packet can overtake others",
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
            f"link: a loss of {link.loss:g} is impossible in bursts of {link.burst:g}",
            f"make burst at least {link.loss / (1 - link.loss):g}",
        )


def _percent(chance: float) -> str:
    return f"{chance * 100:.10g}%"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.10g}ms"


def from_netem(netem: Netem, toward: str | None = None) -> Link:
    """The link that a netem of the kernel makes; packets dropped by number are not part of it."""
    loss, burst = netem.loss, None
    if netem.gemodel is not None:
        enter, leave = netem.gemodel
        loss, burst = enter / (enter + leave), 1.0 / leave
    return Link(
        delay=netem.delay,
        jitter=netem.jitter,
        loss=loss,
        burst=burst,
        duplicate=netem.duplicate,
        reorder=netem.reorder,
        corrupt=netem.corrupt,
        rate=netem.rate,
        limit=netem.limit,
        toward=toward,
    )


def differences(asked: Link, found: Link) -> tuple[str, ...]:
    """How the kernel's link differs from the one asked for, one line each; empty if it agrees.

    The kernel stores probabilities in 32 bits, times in nanoseconds and rates in bytes a second,
    so a difference of one part in a million, or of less than one byte a second, is rounding. The
    kernel does not report the jitter's distribution.
    """
    rounding = {"rate": 8.0}
    lines = []
    for name in ("delay", "jitter", "loss", "burst", "duplicate", "reorder", "corrupt", "rate"):
        want, have = getattr(asked, name), getattr(found, name)
        if (want is None) != (have is None):
            lines.append(f"{name}: asked for {want}, the kernel has {have}")
        elif want is not None and not math.isclose(
            want, have, rel_tol=1e-6, abs_tol=rounding.get(name, 1e-9)
        ):
            lines.append(f"{name}: asked for {want:g}, the kernel has {have:g}")
    if asked.packets() != found.packets():
        lines.append(f"limit: asked for {asked.packets()}, the kernel has {found.packets()}")
    return tuple(lines)
