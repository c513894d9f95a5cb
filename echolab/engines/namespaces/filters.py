"""Do what tc(8) does with filters: for a partition, and for packets that begin alike.

As `qdiscs` does for queues; tests/engines/exact/test_qdiscs.py compares the two. Numbers and
layouts are those of the kernel's linux/pkt_cls.h and linux/tc_act/tc_gact.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping, Sequence

from echolab.engines.namespaces import rtnetlink
from echolab.engines.namespaces.rtnetlink import Message, attribute

RTM_DELTFILTER, RTM_NEWACTION = 45, 48
TCA_ACT_TAB = 1
TCA_GACT_PARMS = 2
TC_ACT_TRAP = 8
TCA_U32_SEL, TCA_U32_ACT = 5, 7
TC_U32_TERMINAL = 1
NLA_F_NESTED = 0x8000

NEW = rtnetlink.NLM_F_EXCL | rtnetlink.NLM_F_CREATE
EGRESS = rtnetlink.TC_H_CLSACT_EGRESS

PROTOCOLS = {"ip": (0x0800, "ip", socket.AF_INET, 16), "ipv6": (0x86DD, "ip6", socket.AF_INET6, 24)}
"""For each its EtherType, its name in u32, its family, and where a header has the destination."""

_ACTION = struct.Struct("=Bxxx")
_GACT = struct.Struct("=IIiii")
_SELECTOR = struct.Struct("=BBBxHHhhI")
_KEY = struct.Struct("=I4sii")
_WHOLE = 0xFFFFFFFF


def message(words: Sequence[str], devices: Mapping[str, int]) -> Message | None:
    """The message that `tc WORDS` would send, None if it is none of a partition's.

    Raises ValueError, LookupError or OSError for words that tc itself must look at.
    """
    what = f"tc {' '.join(words)}"
    match list(words):
        case ["qdisc", "add", "dev", device, "clsact"]:
            return rtnetlink.egress_hook(devices[device])
        case ["actions", "add", "action", "gact", "trap", "index", number]:
            body = _ACTION.pack(socket.AF_UNSPEC) + attribute(TCA_ACT_TAB, _listed([_trap(number)]))
            return RTM_NEWACTION, NEW, body, what
        case ["filter", "add", "dev", device, "egress", "protocol", protocol, "pref", place, *rest]:
            options = _dropping(protocol, rest)
            if options is None:
                return None
            at = _place(devices[device], EGRESS, int(place), PROTOCOLS[protocol][0])
            return _added(at, options, what)
        case ["filter", "del", "dev", device, "egress", "pref", place]:
            return RTM_DELTFILTER, 0, _place(devices[device], EGRESS, int(place), 0), what
    return None


def beginning(
    index: int, hook: int, preference: int, packet: bytes, actions: Sequence[bytes], what: str
) -> Message:
    """Add a filter that leads packets that begin with these bytes to some actions."""
    at = _place(index, hook, preference, rtnetlink.ETH_P_ALL)
    return _added(at, _u32(packet, 0, actions), what)


def action(kind: str, options: bytes) -> bytes:
    """An action of a filter, for its list of actions."""
    told = attribute(rtnetlink.TCA_ACT_OPTIONS | NLA_F_NESTED, options)
    return attribute(rtnetlink.TCA_ACT_KIND, kind.encode() + b"\0") + told


def gact(verdict: int, number: int = 0, chance: bytes = b"") -> bytes:
    """The generic action, tc-gact(8): `number` names a new one, `chance` are further options."""
    return action("gact", attribute(TCA_GACT_PARMS, _GACT.pack(number, 0, verdict, 0, 0)) + chance)


def _place(index: int, hook: int, preference: int, protocol: int) -> bytes:
    """Where a filter of a hook is."""
    place = preference << 16 | socket.htons(protocol)
    return rtnetlink.TRAFFIC.pack(socket.AF_UNSPEC, index, 0, hook, place)


def _added(place: bytes, options: bytes, what: str) -> Message:
    told = attribute(rtnetlink.TCA_KIND, b"u32\0") + attribute(rtnetlink.TCA_OPTIONS, options)
    return rtnetlink.RTM_NEWTFILTER, NEW, place + told, what


def _trap(number: str) -> bytes:
    """`action gact trap index NUMBER`."""
    return gact(TC_ACT_TRAP, int(number))


def _listed(actions: Sequence[bytes]) -> bytes:
    """A list of actions, in their order."""
    return b"".join(attribute(place, one) for place, one in enumerate(actions, start=1))


def _u32(wanted: bytes, offset: int, actions: Sequence[bytes]) -> bytes:
    """The options of a filter by the bytes at a place in a packet; see tc-u32(8)."""
    keys = list(_keys(wanted, offset))
    selector = _SELECTOR.pack(TC_U32_TERMINAL, 0, len(keys), 0, 0, 0, 0, 0)
    acting = attribute(TCA_U32_ACT, _listed(actions))
    return acting + attribute(TCA_U32_SEL, selector + b"".join(keys))


def _dropping(protocol: str, words: Sequence[str]) -> bytes | None:
    """The options of `u32 match ip dst ADDRESS action gact trap index NUMBER`."""
    _, name, family, offset = PROTOCOLS[protocol]
    match list(words):
        case ["u32", "match", called, "dst", target, "action", "gact", "trap", "index", number]:
            ip, _, prefix = target.partition("/")
            address = socket.inet_pton(family, ip)
            if called != name or int(prefix) != 8 * len(address):
                return None
            return _u32(address, offset, [_trap(number)])
    return None


def _keys(wanted: bytes, offset: int) -> Iterator[bytes]:
    """For each four bytes from that place in a packet on, that it must have them."""
    for at in range(0, len(wanted) - 3, 4):
        yield _KEY.pack(_WHOLE, wanted[at : at + 4], offset + at, 0)
