#!/usr/bin/env python3
"""A linearizable store: every node hands requests on to the service lin-kv."""

from node import Node

node = Node()


def hand_on(message):
    body = {name: value for name, value in message["body"].items() if name != "msg_id"}

    def answered(answer):
        rest = {name: value for name, value in answer.items() if name != "in_reply_to"}
        node.reply(message, **rest)

    node.ask("lin-kv", answered, **body)


for kind in ("read", "write", "cas"):
    node.on(kind)(hand_on)

node.run()
