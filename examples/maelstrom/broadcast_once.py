#!/usr/bin/env python3
"""Mistake: tells neighbours a message once, and never knows whether it came."""

from node import Node

node = Node()
messages = set()
neighbours = []


@node.on("topology")
def topology(message):
    neighbours.extend(message["body"]["topology"][node.id])
    node.reply(message, type="topology_ok")


@node.on("broadcast")
def broadcast(message):
    learn(message)
    node.reply(message, type="broadcast_ok")


@node.on("tell")
def learn(message):
    found = message["body"]["message"]
    if found not in messages:
        messages.add(found)
        for name in neighbours:
            if name != message["src"]:
                node.send(name, type="tell", message=found)


@node.on("read")
def read(message):
    node.reply(message, type="read_ok", messages=sorted(messages))


node.run()
