"""Do something to one packet that is under way: let it die, or hold it up.

It happens behind the sender's link, on the port of the bridge that the packet reaches next. So the
link counts it and draws for it as for any other, and nothing else about the run changes. A filter
knows the packet by its first bytes, and counts: of packets that begin alike it takes one. What is
held up waits in a netem queue of its own, on an ifb device, and then goes on where it was.

Numbers and layouts are those of the kernel's linux/pkt_cls.h, linux/tc_act/tc_gact.h and
linux/tc_act/tc_mirred.h; see tc-u32(8), tc-gact(8) and tc-mirred(8).
"""

from __future__ import annotations

import contextlib
import struct

from echolab.engines.namespaces import filters, qdiscs, rtnetlink
from echolab.engines.namespaces.rtnetlink import Netlink, attribute
from echolab.intervention import MOST_BYTES

WORD = 4
"""Bytes that a filter compares at once."""

HALVINGS = 14
"""Two-way counters behind the first one: of the packets that it lets on they leave the first, and
the next only after 16,384 more; `_count_down` in `echolab.traffic` explains them."""

MOST_ACTIONS = 32
"""Actions of one filter (TCA_ACT_MAX_PRIO)."""

INGRESS = 0xFFFFFFF2
"""The hook for what a device receives (TC_H_CLSACT, TC_H_MIN_INGRESS)."""

LAST_PREFERENCE = 30000
"""`pref` of the first filter; each later one comes before all earlier ones."""

FIRST_WAITING = 20000
"""Index of the first device in which a packet waits, far from bridges and ports."""

CONTINUE, SHOT, PIPE, STOLEN = -1, 2, 3, 4
EGRESS_REDIRECT = 1
DETERMINED = 2
TCA_GACT_PROB = 3

_CHANCE = struct.Struct("=HHi")


class OnePacket:
    """What is done to single packets in the namespace of the bridges, whose socket `link` is."""

    def __init__(self, link: Netlink) -> None:
        self._link = link
        self._done = 0

    def drop(self, port: int, packet: bytes, number: int) -> None:
        """Let the packet with that number die, of those that reach a port and begin like this."""
        self._take(port, packet, number, _gact(SHOT))

    def delay(self, port: int, packet: bytes, number: int, seconds: float) -> None:
        """Hold that packet up, for so many lab seconds."""
        index = FIRST_WAITING + self._done
        device = f"wait{self._done}"
        words = ("qdisc", "replace", "dev", device, "root", "handle", "1:", *_netem(seconds))
        queue = qdiscs.message(words, {device: index})
        self._link.send((rtnetlink.aside(device, index), queue))
        self._take(port, packet, number, _redirect(index))

    def _take(self, port: int, packet: bytes, number: int, last: bytes) -> None:
        """Have one packet reach the action `last`."""
        with contextlib.suppress(FileExistsError):
            self._link.send([rtnetlink.egress_hook(port)])  # it is the hook of both directions
        actions = (
            _gact(CONTINUE, PIPE, number),
            *[_gact(PIPE, CONTINUE, 2)] * HALVINGS,
            last,
        )
        known = packet[:MOST_BYTES]
        if len(known) < WORD or len(actions) > MOST_ACTIONS:
            raise ValueError(f"no filter for {len(known)} bytes, {len(actions)} actions")
        place = LAST_PREFERENCE - self._done
        what = "take one packet out"
        self._link.send([filters.beginning(port, INGRESS, place, known, actions, what)])
        self._done += 1


def _netem(seconds: float) -> tuple[str, ...]:
    """The queue that holds everything up for the same time; see tc-netem(8)."""
    return "netem", "limit", str(qdiscs.DEFAULT_LIMIT), "delay", f"{seconds:.9f}s"


def _gact(verdict: int, instead: int = 0, every: int = 0) -> bytes:
    """The action that does one thing, and another `instead` for `every` so many packets."""
    chance = attribute(TCA_GACT_PROB, _CHANCE.pack(DETERMINED, every, instead)) if every else b""
    return filters.gact(verdict, chance=chance)


def _redirect(index: int) -> bytes:
    """The action that sends a packet aside."""
    parameters = rtnetlink.MIRRED.pack(0, 0, STOLEN, 0, 0, EGRESS_REDIRECT, index)
    return filters.action("mirred", attribute(rtnetlink.TCA_MIRRED_PARMS, parameters))
