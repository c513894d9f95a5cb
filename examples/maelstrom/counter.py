#!/usr/bin/env python3
"""A counter that grows and shrinks: each node adds up its own, and tells others all it knows."""

from node import Node

node = Node()
up, down = {}, {}  # by node: the sum of what was added there, and of what was taken away


@node.on("add")
def add(message):
    delta = message["body"]["delta"]
    sums = up if delta >= 0 else down
    sums[node.id] = sums.get(node.id, 0) + abs(delta)
    node.reply(message, type="add_ok")


@node.on("read")
def read(message):
    node.reply(message, type="read_ok", value=sum(up.values()) - sum(down.values()))


@node.on("merge")
def merge(message):
    for own, other in ((up, message["body"]["up"]), (down, message["body"]["down"])):
        for name, value in other.items():
            own[name] = max(own.get(name, 0), value)


@node.every(1.0)
def gossip():
    for name in node.peers:
        node.send(name, type="merge", up=up, down=down)


node.run()
