"""Clients of Maelstrom's workloads: what they ask nodes for, and what comes of it.

`operate` is one operation of a client, or its final request. Definite errors refuse the operation,
all others leave it open (Maelstrom's documentation, "Protocol", "Errors").

`python3 -m echo_app.maelstrom_client` reads from standard input a JSON object with `nodes` and
`topology`, initializes the nodes, tells them the topology if it is not empty, and prints a list of
what went wrong.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from echo_app.client import Client
from echo_app.maelstrom import INDEFINITE, MISSING_KEY, RESERVED, Message, Wire

START = 10.0
"""Seconds within which a node must answer the first messages, before the clients begin."""

KEYS = 5
"""How many keys a workload with several keys has."""

VALUES = 5
"""How many values a key of lin-kv may have: few, so that compare-and-set often succeeds."""

MOST_POLLS = 200
"""How many polls a client makes to read all logs in the end."""


class Asker:
    """Sends requests, one at a time, and waits for the answer to each."""

    def __init__(self, name: str) -> None:
        self._wire = Wire(name)
        self._numbers = itertools.count(1)

    def ask(self, node: str, body: Message, timeout: float) -> Message:
        """The body of the answer. Raises TimeoutError if none comes in time."""
        until = time.monotonic() + timeout
        number = next(self._numbers)
        self._wire.send(node, {**body, "msg_id": number})
        while time.monotonic() < until:
            message = self._wire.receive(until)
            if message is None:
                continue
            answer: Message = message["body"]
            if answer.get("in_reply_to") == number and message.get("src") == node:
                return answer
        raise TimeoutError


class Work:
    """What one client of a workload asks of its own node."""

    def __init__(self, client: Client, node: str) -> None:
        self._client = client
        self._node = node
        self._asker = Asker(os.environ.get("HOSTNAME", ""))
        self._asked = 0
        self._offsets: dict[str, int] = {}

    def ask(self, kind: str, **members: Any) -> Message:
        """Ask the node; an error is an outcome."""
        answer = self._asker.ask(self._node, {"type": kind, **members}, self._client.timeout)
        if answer.get("type") == "error":
            code = answer.get("code")
            if not isinstance(code, int) or code in INDEFINITE or code >= RESERVED:
                raise TimeoutError
            if code == MISSING_KEY and kind == "read":
                return {"value": None}
            self._client.refuse(str(answer.get("text", "")))
        if answer.get("type") != f"{kind}_ok":
            raise ValueError(f"{self._node} answers {kind} with {json.dumps(answer)}")
        return answer

    def unique(self) -> int:
        """A number that no other client has."""
        self._asked += 1
        return self._asked * 1000 + int(self._client.process)

    def even(self) -> bool:
        """Heads or tails."""
        return self._client.random.random() < 0.5

    # --- the workloads

    def echo(self) -> None:
        """Have a text sent back."""
        text = f"Please echo {self.unique()}"
        self._client.do("echo", lambda: datum(self.ask("echo", echo=text)["echo"]), text)

    def unique_ids(self) -> None:
        """Ask for an identifier."""
        self._client.do("generate", lambda: datum(self.ask("generate")["id"]))

    def broadcast(self) -> None:
        """Broadcast a message, or read all."""
        if self.even():
            number = self.unique()
            self._client.do("broadcast", lambda: self._done("broadcast", message=number), number)
        else:
            self.read_messages()

    def read_messages(self) -> None:
        """Read all messages."""
        self._client.do("read", lambda: data(self.ask("read")["messages"]))

    def g_set(self) -> None:
        """Add an element, or read all."""
        if self.even():
            number = self.unique()
            self._client.do("add", lambda: self._done("add", element=number), number)
        else:
            self.read_elements()

    def read_elements(self) -> None:
        """Read all elements."""
        self._client.do("read", lambda: data(self.ask("read")["value"]))

    def counter(self, least: int) -> None:
        """Add to a counter, or read it."""
        if self.even():
            delta = self._client.random.randint(least, 5)
            self._client.do("add", lambda: self._done("add", delta=delta), delta)
        else:
            self.read_value()

    def read_value(self) -> None:
        """Read a counter."""
        self._client.do("read", lambda: datum(self.ask("read")["value"]))

    def lin_kv(self) -> None:
        """Read, write or compare and set a key."""
        chance = self._client.random
        key, kind = chance.randrange(KEYS), chance.choice(("read", "write", "cas"))
        old, new = chance.randrange(VALUES), chance.randrange(VALUES)
        if kind == "read":
            self._client.do(kind, lambda: datum(self.ask("read", key=key)["value"]), key=key)
        elif kind == "write":
            self._client.do(kind, lambda: self._done("write", key=key, value=new), new, key=key)
        else:
            change = {"from": old, "to": new}
            self._client.do(kind, lambda: self._done("cas", key=key, **change), [old, new], key=key)

    def kafka(self) -> None:
        """Send to a log, poll logs, commit what was read, or begin where others committed."""
        kind = self._client.random.choices(("send", "poll", "commit", "assign"), (8, 8, 2, 1))[0]
        if kind == "send":
            key, number = str(self._client.random.randrange(KEYS)), self.unique()
            self._client.do(
                kind, lambda: self.ask("send", key=key, msg=number)["offset"], number, key=key
            )
        elif not self._offsets or kind == "assign":
            self.assign()
        elif kind == "poll":
            self.poll()
        else:
            self.commit()

    def assign(self) -> None:
        """Choose logs, and go on there where somebody has committed."""
        keys = self._client.random.sample([str(key) for key in range(KEYS)], 3)

        def ask() -> list[list[object]]:
            offsets = self.ask("list_committed_offsets", keys=keys)["offsets"]
            self._offsets = {key: offsets.get(key, -1) + 1 for key in keys}
            return [[key, offsets[key]] for key in sorted(offsets)]

        self._client.do("assign", ask, keys)

    def poll(self) -> int:
        """Read on; how many messages there were."""
        asked = dict(self._offsets)

        def ask() -> list[list[object]]:
            found = self.ask("poll", offsets=asked)["msgs"]
            for key, entries in found.items():
                if entries:
                    self._offsets[key] = entries[-1][0] + 1
            return [[key, at, datum(sent)] for key in sorted(found) for at, sent in found[key]]

        return len(self._client.do("poll", ask, [list(pair) for pair in asked.items()]) or ())

    def commit(self) -> None:
        """Tell how far was read."""
        read = {key: at - 1 for key, at in self._offsets.items() if at > 0}
        if read:
            pairs = [list(pair) for pair in read.items()]
            self._client.do("commit", lambda: self._done("commit_offsets", offsets=read), pairs)

    def poll_all(self) -> None:
        """Read all logs from their beginning."""
        self._offsets = {str(key): 0 for key in range(KEYS)}
        for _ in range(MOST_POLLS):
            if not self.poll():
                return

    def _done(self, kind: str, **members: Any) -> None:
        self.ask(kind, **members)


def datum(value: Any) -> Any:
    """What an answer carries, as a history can have it: an object becomes its text."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return value


def data(values: Any) -> list[Any]:
    """A list of what an answer carries."""
    return [datum(value) for value in values or ()]


OPERATIONS: dict[str, Callable[[Work], None]] = {
    "echo": Work.echo,
    "unique-ids": Work.unique_ids,
    "broadcast": Work.broadcast,
    "g-set": Work.g_set,
    "g-counter": functools.partial(Work.counter, least=0),
    "pn-counter": functools.partial(Work.counter, least=-5),
    "lin-kv": Work.lin_kv,
    "kafka": Work.kafka,
}
"""What a client does in each workload."""

FINALS: dict[str, Callable[[Work], None]] = {
    "broadcast": Work.read_messages,
    "g-set": Work.read_elements,
    "g-counter": Work.read_value,
    "pn-counter": Work.read_value,
    "kafka": Work.poll_all,
}
"""What a client asks in the end."""

_works: dict[str, Work] = {}


def operate(client: Any, workload: str, nodes: list[str], final: bool = False) -> None:
    """One operation of a client, or what it asks in the end."""
    if client.process not in _works:
        node = nodes[(int(client.process) - 1) % len(nodes)]
        _works[client.process] = Work(client, node)
    (FINALS if final else OPERATIONS)[workload](_works[client.process])


def begin(nodes: list[str], topology: dict[str, list[str]]) -> list[str]:
    """Initialize the nodes and tell them the topology; a line for each that does not answer."""
    asker = Asker(os.environ.get("HOSTNAME", ""))
    wrong: list[str] = []
    bodies: list[tuple[str, Message]] = [
        (node, {"type": "init", "node_id": node, "node_ids": nodes}) for node in nodes
    ]
    bodies += [(node, {"type": "topology", "topology": topology}) for node in topology]
    for node, body in bodies:
        try:
            answer = asker.ask(node, body, START)
        except TimeoutError:
            wrong.append(f"{node} does not answer {body['type']} within {START:g} s")
            continue
        if answer.get("type") != f"{body['type']}_ok":
            wrong.append(f"{node} answers {body['type']} with {json.dumps(answer)}")
    return wrong


def main() -> None:
    """Begin."""
    given = json.load(sys.stdin)
    print(json.dumps(begin(given["nodes"], given["topology"])))


if __name__ == "__main__":
    main()
