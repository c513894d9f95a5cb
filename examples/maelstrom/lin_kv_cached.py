#!/usr/bin/env python3
"""Mistake: hands changes on to lin-kv, but reads what it has itself seen last."""

from node import Node

node = Node()
seen = {}


def hand_on(message):
    body = {name: value for name, value in message["body"].items() if name != "msg_id"}
    key = body["key"]
    if body["type"] == "read" and key in seen:
        node.reply(message, type="read_ok", value=seen[key])
        return

    def answered(answer):
        if answer["type"] != "error":
            seen[key] = {"read": answer, "write": body, "cas": body}[body["type"]].get(
                "to" if body["type"] == "cas" else "value"
            )
        rest = {name: value for name, value in answer.items() if name != "in_reply_to"}
        node.reply(message, **rest)

    node.ask("lin-kv", answered, **body)


for kind in ("read", "write", "cas"):
    node.on(kind)(hand_on)

node.run()
