"""Do what tc(8) does with the queues of a device, by netlink from the running process.

Starting a program in the guest takes 10 ms, a message a fraction of one. `perform` takes the words
of a tc command and sends what tc would send for them; it returns the JSON that tc would print. For
words that it does not know, and if the kernel refuses them, it returns None, so that tc itself is
run. tests/engines/exact/test_qdiscs.py compares the two.

One difference is deliberate: times are sent in nanoseconds, as newer releases of iproute2 do.
Release 6.1, for one, rounds them to ticks of 64 ns, so results would depend on the machine's tc.

Numbers and layouts are those of the kernel's linux/pkt_sched.h and linux/gen_stats.h.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence

from echolab.engines.namespaces import filters, rtnetlink
from echolab.engines.namespaces.rtnetlink import Message, Netlink, attribute, attributes_of
from echolab.record.values import Json

RTM_DELQDISC = 37

TCA_STATS2 = 7
TCA_STATS_BASIC = 1
TCA_STATS_QUEUE = 3
TCA_STATS_PKT64 = 8

TCA_NETEM_REORDER = 3
TCA_NETEM_CORRUPT = 4
TCA_NETEM_LOSS = 5
TCA_NETEM_RATE = 6
TCA_NETEM_ECN = 7
TCA_NETEM_RATE64 = 8
TCA_NETEM_LATENCY64 = 10
TCA_NETEM_JITTER64 = 11
NETEM_LOSS_GE = 2
NLA_F_NESTED = 0x8000

ROOT = rtnetlink.TC_H_ROOT
CERTAIN = 0xFFFFFFFF
"""The number with which the kernel represents a probability of 1."""

WIDEST_RATE = 0xFFFFFFFF
"""The largest rate, in bytes per second, that the older of two fields holds."""

DEFAULT_LIMIT = 1000

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3}

SHOW = (("-s", "-j", "qdisc", "show", "dev"), ("-j", "qdisc", "show", "dev"))

_NETEM = struct.Struct("=IIIIII")
_CHANCE = struct.Struct("=II")
_GEMODEL = struct.Struct("=IIII")
_RATE = struct.Struct("=IiIi")
_TIME = struct.Struct("=q")
_WIDE = struct.Struct("=Q")
_PRIO = struct.Struct("=i16B")
_BASIC = struct.Struct("=QI")
_QUEUE = struct.Struct("=IIIII")


class Unknown(Exception):
    """Words, or a queue, that need tc itself."""


def perform(link: Netlink, words: Sequence[str], devices: Mapping[str, int]) -> str | None:
    """Do what `tc WORDS` does in the socket's network namespace, and return what tc prints.

    `devices` has the number of each device by name. None if tc itself must do it.
    """
    *show, device = words
    try:
        if tuple(show) in SHOW:
            shown = _shown(link, devices[device], counted="-s" in show)
            return json.dumps(list(shown))
        link.send([filters.message(words, devices) or message(words, devices)])
    except (Unknown, OSError, ValueError, LookupError, struct.error):
        return None
    return ""


# --- messages to the kernel


def message(words: Sequence[str], devices: Mapping[str, int]) -> Message:
    """The message for `qdisc replace` of a netem or a prio, or `qdisc del`.

    Raises Unknown, or ValueError or LookupError, for words that need tc itself.
    """
    kind, verb, dev, device, *rest = words
    if (kind, dev) != ("qdisc", "dev"):
        raise Unknown(words)
    index = devices[device]
    what = f"tc {' '.join(words)}"
    parent = _parent(rest)
    if verb == "del" and not rest:
        return RTM_DELQDISC, 0, rtnetlink.TRAFFIC.pack(0, index, 0, parent, 0), what
    if verb != "replace" or rest.pop(0) != "handle":
        raise Unknown(words)
    handle = _handle(rest.pop(0))
    queue = rest.pop(0)
    options = {"netem": _netem, "prio": _prio}.get(queue)
    if options is None:
        raise Unknown(words)
    body = (
        rtnetlink.TRAFFIC.pack(0, index, handle, parent, 0),
        attribute(rtnetlink.TCA_KIND, queue.encode() + b"\0"),
        attribute(rtnetlink.TCA_OPTIONS, options(rest)),
    )
    flags = rtnetlink.NLM_F_CREATE | rtnetlink.NLM_F_REPLACE
    return rtnetlink.RTM_NEWQDISC, flags, b"".join(body), what


def _parent(rest: list[str]) -> int:
    """The class that a queue is below, taken from the front of the words."""
    if rest.pop(0) == "root":
        return ROOT
    return _handle(rest.pop(0))


def _handle(word: str) -> int:
    """The number of a handle ("1:") or of a class ("1:2"), both hexadecimal."""
    major, colon, minor = word.partition(":")
    if not colon:
        raise Unknown(word)
    return int(major, 16) << 16 | int(minor or "0", 16)


def _prio(words: list[str]) -> bytes:
    if words[0] != "bands" or words[2] != "priomap":
        raise Unknown(words)
    return _PRIO.pack(int(words[1]), *map(int, words[3:]))


def _netem(words: list[str]) -> bytes:
    """The options of tc-netem(8), in the order in which tc tells them."""
    rest = list(words)
    found = _Netem()
    while rest:
        name = rest.pop(0)
        if name not in READERS:
            raise Unknown(words)
        READERS[name](found, rest)
        if rest and rest[0][0].isdigit():
            raise Unknown(words)  # a correlation, for example
    return found.packed()


class _Netem:
    """The options of a netem queue while its words are read, each taken from their front."""

    def __init__(self) -> None:
        self._limit, self._loss, self._gap, self._duplicate = DEFAULT_LIMIT, 0, 0, 0
        self._told: dict[int, bytes] = {}

    def packed(self) -> bytes:
        plain = _NETEM.pack(0, self._limit, self._loss, self._gap, self._duplicate, 0)
        return plain + b"".join(attribute(kind, value) for kind, value in self._told.items())

    def limit(self, words: list[str]) -> None:
        self._limit = int(words.pop(0))

    def delay(self, words: list[str]) -> None:
        self._told[TCA_NETEM_LATENCY64] = _TIME.pack(_nanoseconds(words.pop(0)))
        if words and words[0][0].isdigit():
            self._told[TCA_NETEM_JITTER64] = _TIME.pack(_nanoseconds(words.pop(0)))

    def loss(self, words: list[str]) -> None:
        model, *chances = words.pop(0), _chance(words.pop(0))
        if model == "random":
            (self._loss,) = chances
        elif model == "gemodel":
            told = _GEMODEL.pack(*chances, _chance(words.pop(0)), 0, 0)
            self._told[TCA_NETEM_LOSS | NLA_F_NESTED] = attribute(NETEM_LOSS_GE, told)
        else:
            raise Unknown(model)

    def duplicate(self, words: list[str]) -> None:
        self._duplicate = _chance(words.pop(0))

    def reorder(self, words: list[str]) -> None:
        self._told[TCA_NETEM_REORDER] = _CHANCE.pack(_chance(words.pop(0)), 0)
        self._gap = 1

    def corrupt(self, words: list[str]) -> None:
        self._told[TCA_NETEM_CORRUPT] = _CHANCE.pack(_chance(words.pop(0)), 0)

    def rate(self, words: list[str]) -> None:
        self._told |= _rate(words.pop(0))

    def seed(self, words: list[str]) -> None:
        self._told[rtnetlink.TCA_NETEM_PRNG_SEED] = _WIDE.pack(int(words.pop(0)))


READERS: Mapping[str, Callable[[_Netem, list[str]], None]] = {
    "limit": _Netem.limit,
    "delay": _Netem.delay,
    "loss": _Netem.loss,
    "duplicate": _Netem.duplicate,
    "reorder": _Netem.reorder,
    "corrupt": _Netem.corrupt,
    "rate": _Netem.rate,
    "seed": _Netem.seed,
}


def _nanoseconds(word: str) -> int:
    number = word.rstrip("mus")
    return round(float(number) * NANOSECONDS[word[len(number) :]])


def _chance(word: str) -> int:
    """A percentage ("5%") as the kernel counts it."""
    if not word.endswith("%"):
        raise Unknown(word)
    return round(float(word[:-1]) / 100 * CERTAIN)


def _rate(word: str) -> Mapping[int, bytes]:
    """A rate in bits per second ("1000000bit"), which the kernel counts in bytes."""
    if not word.endswith("bit"):
        raise Unknown(word)
    rate = int(float(word[: -len("bit")]) / 8)
    told = {TCA_NETEM_RATE64: _WIDE.pack(rate)} if rate > WIDEST_RATE else {}
    return told | {TCA_NETEM_RATE: _RATE.pack(min(rate, WIDEST_RATE), 0, 0, 0)}


# --- what tc would print


def _shown(link: Netlink, index: int, *, counted: bool) -> Iterator[Mapping[str, Json]]:
    """The queues of a device as tc prints them."""
    for payload in link.dump(rtnetlink.RTM_GETQDISC, rtnetlink.TRAFFIC.pack(0, index, 0, 0, 0)):
        _, device, handle, parent, references = rtnetlink.TRAFFIC.unpack_from(payload)
        if device != index:
            continue
        found = dict(attributes_of(payload[rtnetlink.TRAFFIC.size :]))
        kind = found[rtnetlink.TCA_KIND].rstrip(b"\0").decode()
        place = {"root": True} if parent == ROOT else {"parent": _class(parent)}
        yield {
            "kind": kind,
            "handle": f"{handle >> 16:x}:",
            **place,
            **({"refcnt": references} if references != 1 else {}),
            "options": _options(kind, found.get(rtnetlink.TCA_OPTIONS, b"")),
            **(_counts(found[TCA_STATS2]) if counted else {}),
        }


def _class(number: int) -> str:
    return f"{number >> 16:x}:{number & 0xFFFF:x}"


def _options(kind: str, options: bytes) -> Mapping[str, Json]:
    if kind == "netem":
        return _netem_shown(options)
    if kind == "prio":
        bands, *priorities = _PRIO.unpack_from(options)
        return {"bands": bands, "priomap": priorities, "multiqueue": False}
    if kind in ("clsact", "noqueue"):
        return {}
    raise Unknown(kind)


def _netem_shown(options: bytes) -> Mapping[str, Json]:
    _, limit, loss, gap, duplicate, _ = _NETEM.unpack_from(options)
    found = dict(attributes_of(options[_NETEM.size :]))
    (delay,) = _TIME.unpack(found[TCA_NETEM_LATENCY64])
    (jitter,) = _TIME.unpack(found[TCA_NETEM_JITTER64])
    shown: dict[str, Json] = {"limit": limit}
    if delay or jitter:
        shown["delay"] = {"delay": delay / 1e9, "jitter": jitter / 1e9, "correlation": 0}
    if loss:
        shown["loss-random"] = _share("loss", loss)
    models = dict(attributes_of(found.get(TCA_NETEM_LOSS, b"")))
    if NETEM_LOSS_GE in models:
        p, r, h, k1 = _GEMODEL.unpack(models[NETEM_LOSS_GE])
        shares = (("p", p), ("r", r), ("1-h", CERTAIN - h), ("1-k", k1))
        shown["loss-gemodel"] = {name: chance / CERTAIN for name, chance in shares}
    if duplicate:
        shown["duplicate"] = _share("duplicate", duplicate)
    for name, kind in (("reorder", TCA_NETEM_REORDER), ("corrupt", TCA_NETEM_CORRUPT)):
        chance, _ = _CHANCE.unpack(found[kind])
        if chance:
            shown[name] = _share(name, chance)
    rate, overhead, cell, cell_overhead = _RATE.unpack(found[TCA_NETEM_RATE])
    if rate:
        shown["rate"] = {
            "rate": _WIDE.unpack(found[TCA_NETEM_RATE64])[0] if TCA_NETEM_RATE64 in found else rate,
            "packetoverhead": overhead,
            "cellsize": cell,
            "celloverhead": cell_overhead,
        }
    if rtnetlink.TCA_NETEM_PRNG_SEED in found:
        shown["seed"] = _WIDE.unpack(found[rtnetlink.TCA_NETEM_PRNG_SEED])[0]
    return shown | {"ecn": TCA_NETEM_ECN in found, "gap": gap}


def _share(name: str, chance: int) -> Mapping[str, float]:
    return {name: chance / CERTAIN, "correlation": 0}


def _counts(statistics: bytes) -> Mapping[str, int]:
    found = dict(attributes_of(statistics))
    sent, packets = _BASIC.unpack_from(found[TCA_STATS_BASIC])
    if TCA_STATS_PKT64 in found:
        (packets,) = _WIDE.unpack(found[TCA_STATS_PKT64])
    waiting, backlog, drops, requeues, overlimits = _QUEUE.unpack(found[TCA_STATS_QUEUE])
    return {
        "bytes": sent,
        "packets": packets,
        "drops": drops,
        "overlimits": overlimits,
        "requeues": requeues,
        "backlog": backlog,
        "qlen": waiting,
    }
