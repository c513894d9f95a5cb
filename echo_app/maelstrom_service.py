"""The services that Maelstrom offers to nodes, each on a host of its own, named as it is.

- `lin-kv`: a linearizable key-value store with `read`, `write` and `cas`
- `seq-kv`: the same, sequentially consistent: a read may see any state from the one that the client
  saw last up to the newest; a change acts on the newest
- `lww-kv`: five replicas, any of which may answer; each write has its replica's time stamp, the
  later one wins, and replicas tell one another what they have every 100 ms
- `lin-tso`: time stamps, each larger than all before

`python3 -m echo_app.maelstrom_service NAME` serves for ever.
"""

from __future__ import annotations

import bisect
import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from echo_app.maelstrom import MALFORMED, MISSING_KEY, NOT_SUPPORTED, UNEQUAL, Message, Wire, failed

REPLICAS = 5

GOSSIP = 0.1
"""Seconds between two moments at which the replicas of lww-kv tell one another what they have."""

SKEW = 0.01
"""Seconds by which the clock of a replica may be wrong, to either side."""

NOTHING = object()
"""The value of a key that was never written."""


Written: TypeAlias = tuple[float, object]
"""A time stamp, and what was written."""


class Service(Protocol):
    """What answers requests."""

    def answer(self, asker: str, request: Message) -> Message: ...


class Store(Protocol):
    """Where values are, as an asker sees them."""

    def get(self, asker: str, key: str) -> Any: ...
    def newest(self, asker: str, key: str) -> Any: ...
    def put(self, asker: str, key: str, value: Any) -> None: ...


class Linearizable:
    """One copy."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def get(self, asker: str, key: str) -> Any:
        """What the key holds."""
        return self._values.get(key, NOTHING)

    newest = get

    def put(self, asker: str, key: str, value: Any) -> None:
        """Give the key a value."""
        self._values[key] = value


class Sequential:
    """All states so far, and how far each client has come."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._versions: dict[str, list[tuple[int, object]]] = {}
        self._state = 0
        self._seen: dict[str, int] = {}

    def get(self, asker: str, key: str) -> Any:
        """The key's value in some state that the client may still see."""
        seen = self._chance.randint(self._seen.get(asker, 0), self._state)
        self._seen[asker] = seen
        versions = self._versions.get(key, [])
        place = bisect.bisect_right(versions, seen, key=lambda version: version[0])
        return versions[place - 1][1] if place else NOTHING

    def newest(self, asker: str, key: str) -> Any:
        """What the key holds now."""
        self._seen[asker] = self._state
        versions = self._versions.get(key)
        return versions[-1][1] if versions else NOTHING

    def put(self, asker: str, key: str, value: Any) -> None:
        """Make the next state."""
        self._state += 1
        self._seen[asker] = self._state
        self._versions.setdefault(key, []).append((self._state, value))


class LastWriteWins:
    """Replicas that learn of one another's writes now and then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._replicas: list[dict[str, Written]] = [{} for _ in range(REPLICAS)]
        self._skews = [chance.uniform(-SKEW, SKEW) for _ in range(REPLICAS)]
        self._asked = 0
        self._gossiped = time.monotonic()

    def get(self, asker: str, key: str) -> Any:
        """What the key holds at one of them."""
        self._gossip()
        self._asked = self._chance.randrange(REPLICAS)
        found = self._replicas[self._asked].get(key)
        return found[1] if found else NOTHING

    newest = get

    def put(self, asker: str, key: str, value: Any) -> None:
        """Give the key a value at the one that was asked last, or at any."""
        stamp = time.monotonic() + self._skews[self._asked]
        _merge(self._replicas[self._asked], {key: (stamp, value)})

    def _gossip(self) -> None:
        """Do what the replicas would have done meanwhile: since nobody asked, once is enough."""
        if time.monotonic() - self._gossiped < GOSSIP:
            return
        self._gossiped = time.monotonic()
        for one in self._replicas:
            for other in self._replicas:
                _merge(one, other)


def _merge(into: dict[str, Written], other: Mapping[str, Written]) -> None:
    for key, (stamp, value) in other.items():
        if key not in into or into[key][0] < stamp:
            into[key] = (stamp, value)


class KeyValue:
    """The requests of a key-value store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, asker: str, request: Message) -> Message:
        """The body that answers a request's."""
        kind = request.get("type")
        if "key" not in request:
            return failed(request, MALFORMED, "there is no key")
        key = json.dumps(request["key"], sort_keys=True)
        if kind == "read":
            held = self._store.get(asker, key)
            if held is NOTHING:
                return failed(request, MISSING_KEY, "there is no such key")
            return {"type": "read_ok", "value": held}
        if kind == "write":
            self._store.newest(asker, key)  # chooses the replica, where there are some
            self._store.put(asker, key, request.get("value"))
            return {"type": "write_ok"}
        if kind == "cas":
            return self._compare_and_set(asker, key, request)
        return failed(request, NOT_SUPPORTED, f"there is no request '{kind}'")

    def _compare_and_set(self, asker: str, key: str, request: Message) -> Message:
        held = self._store.newest(asker, key)
        if held is NOTHING:
            if not request.get("create_if_not_exists"):
                return failed(request, MISSING_KEY, "there is no such key")
        elif held != request.get("from"):
            return failed(request, UNEQUAL, f"it holds {json.dumps(held)}")
        self._store.put(asker, key, request.get("to"))
        return {"type": "cas_ok"}


class TimeStamps:
    """Time stamps, each larger than all before."""

    def __init__(self) -> None:
        self._last = 0

    def answer(self, asker: str, request: Message) -> Message:
        """The body that answers a request's."""
        if request.get("type") != "ts":
            return failed(request, NOT_SUPPORTED, "there is no such request")
        self._last += 1
        return {"type": "ts_ok", "ts": self._last}


def _kinds(chance: random.Random) -> dict[str, Callable[[], Service]]:
    return {
        "lin-kv": lambda: KeyValue(Linearizable()),
        "seq-kv": lambda: KeyValue(Sequential(chance)),
        "lww-kv": lambda: KeyValue(LastWriteWins(chance)),
        "lin-tso": TimeStamps,
    }


def main() -> None:
    """Serve for ever."""
    chance = random.Random(int.from_bytes(os.urandom(8)))  # noqa: S311 (no secret)
    name = sys.argv[1]
    service = _kinds(chance)[name]()
    wire = Wire(name)
    while True:
        message = wire.receive(float("inf"))
        if message is None:
            continue
        request = message["body"]
        body = service.answer(message["src"], request)
        wire.send(message["src"], {**body, "in_reply_to": request.get("msg_id")})


if __name__ == "__main__":
    main()
