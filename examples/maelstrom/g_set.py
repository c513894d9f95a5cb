#!/usr/bin/env python3
"""A set that only grows: nodes tell one another all that they have, now and then."""

from node import Node

node = Node()
elements = set()


@node.on("add")
def add(message):
    elements.add(message["body"]["element"])
    node.reply(message, type="add_ok")


@node.on("read")
def read(message):
    node.reply(message, type="read_ok", value=sorted(elements))


@node.on("merge")
def merge(message):
    elements.update(message["body"]["elements"])


@node.every(1.0)
def gossip():
    for name in node.peers:
        node.send(name, type="merge", elements=sorted(elements))


node.run()
