#!/usr/bin/env python3
"""Mistake: reads the counter in seq-kv, which may answer what is old, and writes the sum."""

from node import Node

node = Node()


@node.on("add")
def add(message):
    def read(answer):
        value = answer.get("value", 0) + message["body"]["delta"]
        node.ask("seq-kv", written, type="write", key="sum", value=value)

    def written(answer):
        node.reply(message, type="add_ok")

    node.ask("seq-kv", read, type="read", key="sum")


@node.on("read")
def read(message):
    def answered(answer):
        node.reply(message, type="read_ok", value=answer.get("value", 0))

    node.ask("seq-kv", answered, type="read", key="sum")


node.run()
