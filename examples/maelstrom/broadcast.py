#!/usr/bin/env python3
"""Broadcasts messages: to each neighbour, again and again until it has acknowledged them."""

from node import Node

AGAIN = 0.5

node = Node()
messages = set()
missing = {}  # by neighbour: what it has not acknowledged


@node.on("topology")
def topology(message):
    missing.update((name, set()) for name in message["body"]["topology"][node.id])
    node.reply(message, type="topology_ok")


@node.on("broadcast")
def broadcast(message):
    learn({message["body"]["message"]})
    node.reply(message, type="broadcast_ok")


@node.on("read")
def read(message):
    node.reply(message, type="read_ok", messages=sorted(messages))


@node.on("tell")
def tell(message):
    told = message["body"]["messages"]
    learn(set(told), message["src"])
    node.send(message["src"], type="told", messages=told)


@node.on("told")
def told(message):
    missing[message["src"]] -= set(message["body"]["messages"])


def learn(found, source=None):
    new = found - messages
    messages.update(new)
    for name in missing:
        if new and name != source:
            missing[name] |= new
            node.send(name, type="tell", messages=sorted(new))


@node.every(AGAIN)
def again():
    for name, lacks in missing.items():
        if lacks:
            node.send(name, type="tell", messages=sorted(lacks))


node.run()
