#!/usr/bin/env python3
"""Mistake: each node numbers the messages of a log by itself, so two get the same offset."""

from node import Node

node = Node()
logs, committed = {}, {}


@node.on("send")
def send(message):
    body = message["body"]
    log = logs.setdefault(body["key"], [])
    log.append([len(log), body["msg"]])
    for name in node.peers:
        node.send(name, type="copy", key=body["key"], entry=log[-1])
    node.reply(message, type="send_ok", offset=log[-1][0])


@node.on("copy")
def copy(message):
    log = logs.setdefault(message["body"]["key"], [])
    log.append(message["body"]["entry"])
    log.sort()


@node.on("poll")
def poll(message):
    offsets = message["body"]["offsets"]
    found = {
        key: [entry for entry in logs.get(key, []) if entry[0] >= first]
        for key, first in offsets.items()
    }
    node.reply(message, type="poll_ok", msgs=found)


@node.on("commit_offsets")
def commit(message):
    committed.update(message["body"]["offsets"])
    node.reply(message, type="commit_offsets_ok")


@node.on("list_committed_offsets")
def listed(message):
    found = {key: committed[key] for key in message["body"]["keys"] if key in committed}
    node.reply(message, type="list_committed_offsets_ok", offsets=found)


node.run()
