"""What tc(8) prints as JSON (`tc -s -j`), as typed values: queueing disciplines and filters.

Values only: running `tc` is an engine's work. Another program's output has no schema of ours; it
gets one here.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from echolab.errors import CannotRun

T = TypeVar("T")

CUT = 0x40000000
"""The number of the action that drops what a partition cuts off."""

DESTINATIONS = ([16], [24, 28, 32, 36])
"""Where the destination is in the header of IPv4 and of IPv6, in words of four bytes."""


@dataclasses.dataclass(frozen=True)
class Netem:
    """The options of a netem queue, in seconds, packets, probabilities and bits per second.

    `gemodel` are the chances p and r of tc-netem(8)'s `loss gemodel`, None without it.
    """

    limit: int
    delay: float
    jitter: float
    loss: float
    gemodel: tuple[float, float] | None
    duplicate: float
    reorder: float
    corrupt: float
    rate: float | None


@dataclasses.dataclass(frozen=True)
class Qdisc:
    """A queueing discipline: its kind, and the packets it carried, dropped and holds.

    `handle` is its own ("20:"), `netem` are the options of a netem, None for any other kind.
    """

    kind: str
    handle: str
    netem: Netem | None
    carried: int
    dropped: int
    queued: int


@dataclasses.dataclass(frozen=True)
class Filter:
    """A filter of the queue `parent` that leads packets to an address to the class `flow`."""

    parent: str
    address: str
    flow: str


def qdiscs(printed: str) -> tuple[Qdisc, ...]:
    """The queues that `tc -s -j qdisc show` printed. Raises CannotRun for anything else."""
    return _read(printed, lambda shown: tuple(_qdisc(entry) for entry in shown))


def dropped_by_number(printed: str) -> int:
    """Packets that the filters of a link dropped, from `tc -s -j filter show … egress`.

    Filters that share an action each show it. Raises CannotRun for anything else.
    """

    def every(shown: Sequence[Any]) -> int:
        found: dict[int, int] = {}
        for entry in shown:
            found.update(_dropped(entry))
        return sum(count for index, count in found.items() if index != CUT)

    return _read(printed, every)


def cut_off(printed: str) -> int:
    """Packets that the action `CUT` dropped, from `tc -s -j actions list action gact`.

    Raises CannotRun for anything else.
    """

    def count(shown: Sequence[Any]) -> int:
        actions = [one for entry in shown for one in entry.get("actions", [])]
        return sum(int(one["stats"]["packets"]) for one in actions if one.get("index") == CUT)

    return _read(printed, count)


def filters(printed: str, parent: str) -> tuple[Filter, ...]:
    """The filters by destination that `tc filter show … parent PARENT` printed, as text.

    As JSON, no iproute2 before 5.17 prints them completely. Raises CannotRun for anything else.
    """
    import ipaddress  # slow to import in the guest, and few links have bands

    found: list[Filter] = []
    for block in re.split(r"^(?=filter )", printed, flags=re.MULTILINE):
        flow = re.search(r"\b(?:flowid|\*flowid) (\S+)", block)
        if flow is None:
            continue
        matches = re.findall(r"match ([0-9a-f]{8})/([0-9a-f]{8}) at (\d+)", block)
        value = b"".join(bytes.fromhex(key) for key, _, _ in matches)
        offsets = [int(at) for _, _, at in matches]
        whole = all(mask == "ffffffff" for _, mask, _ in matches)
        if not whole or offsets not in DESTINATIONS:
            raise CannotRun(
                f"tc printed an unexpected filter: {block[:200]}", "use iproute2 5.10 or newer"
            )
        found.append(Filter(parent, str(ipaddress.ip_address(value)), flow[1]))
    return tuple(found)


def _read(printed: str, parse: Callable[[Sequence[Any]], T]) -> T:
    try:
        return parse(json.loads(printed or "[]"))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CannotRun(
            f"tc printed something unexpected ({type(error).__name__}: {error}): {printed[:200]}",
            "use iproute2 5.10 or newer",
        ) from None


def _qdisc(shown: Mapping[str, Any]) -> Qdisc:
    netem = shown["kind"] == "netem"
    return Qdisc(
        kind=str(shown["kind"]),
        handle=str(shown.get("handle", "1:")),
        netem=_netem(shown["options"]) if netem else None,
        carried=int(shown.get("packets", 0)),
        dropped=int(shown.get("drops", 0)),
        queued=int(shown.get("qlen", 0)),
    )


def _netem(options: Mapping[str, Any]) -> Netem:
    def chance(name: str, field: str) -> float:
        return float(options.get(name, {}).get(field, 0.0))

    model = options.get("loss-gemodel")
    rate = options.get("rate")
    return Netem(
        limit=int(options["limit"]),
        delay=chance("delay", "delay"),
        jitter=chance("delay", "jitter"),
        loss=chance("loss-random", "loss"),
        gemodel=(float(model["p"]), float(model["r"])) if model else None,
        duplicate=chance("duplicate", "duplicate"),
        reorder=chance("reorder", "reorder"),
        corrupt=chance("corrupt", "corrupt"),
        rate=float(rate["rate"]) * 8 if rate else None,
    )


def _dropped(filter: Mapping[str, Any]) -> Mapping[int, int]:
    """Packets that each action of a filter dropped, by the action's own number."""
    return {
        int(action["index"]): int(action.get("stats", {}).get("packets", 0))
        for action in filter.get("options", {}).get("actions", [])
        if action.get("control_action", {}).get("type") in ("trap", "drop")
    }
