#!/usr/bin/env python3
"""A counter in seq-kv: compare and set, again until nobody was faster; a read writes first.

What seq-kv answers may be old. Whoever has just written has seen the newest state.
"""

from node import Node

node = Node()


def change(delta, done):
    """Add to the counter; `done` is called with its value."""

    def read(answer):
        old = answer.get("value", 0)

        def written(answer):
            if answer["type"] == "cas_ok":
                done(old + delta)
            else:
                change(delta, done)

        to = old + delta
        node.ask(
            "seq-kv",
            written,
            **{"type": "cas", "key": "sum", "from": old, "to": to, "create_if_not_exists": True},
        )

    node.ask("seq-kv", read, type="read", key="sum")


@node.on("add")
def add(message):
    change(message["body"]["delta"], lambda value: node.reply(message, type="add_ok"))


@node.on("read")
def read(message):
    change(0, lambda value: node.reply(message, type="read_ok", value=value))


node.run()
