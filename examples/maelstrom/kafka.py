#!/usr/bin/env python3
"""Logs, each kept by one node: whoever is asked for a log of another hands the request on."""

from node import Node

node = Node()
logs, committed = {}, {}


def owner(key):
    return node.ids[sum(key.encode()) % len(node.ids)]


def split(offsets):
    """Offsets by the node that keeps their logs."""
    found = {}
    for key, offset in offsets.items():
        found.setdefault(owner(key), {})[key] = offset
    return found


def gather(message, kind, offsets, member):
    """Ask each owner for its part, and answer with all parts together."""
    parts, found = split(offsets), {}
    left = len(parts)

    def answered(answer):
        nonlocal left
        left -= 1
        found.update(answer[member])
        if not left:
            node.reply(message, type=f"{kind}_ok", **({member: found} if member != "done" else {}))

    for name, part in parts.items():
        node.ask(name, answered, type=f"own_{kind}", offsets=part)


@node.on("send")
def send(message):
    body = message["body"]

    def answered(answer):
        node.reply(message, type="send_ok", offset=answer["offset"])

    node.ask(owner(body["key"]), answered, type="own_send", key=body["key"], msg=body["msg"])


@node.on("own_send")
def own_send(message):
    log = logs.setdefault(message["body"]["key"], [])
    log.append(message["body"]["msg"])
    node.reply(message, type="own_send_ok", offset=len(log) - 1)


@node.on("poll")
def poll(message):
    gather(message, "poll", message["body"]["offsets"], "msgs")


@node.on("own_poll")
def own_poll(message):
    offsets = message["body"]["offsets"]
    found = {
        key: [[first + place, sent] for place, sent in enumerate(logs.get(key, [])[first:])]
        for key, first in offsets.items()
    }
    node.reply(message, type="own_poll_ok", msgs=found)


@node.on("commit_offsets")
def commit(message):
    gather(message, "commit_offsets", message["body"]["offsets"], "done")


@node.on("own_commit_offsets")
def own_commit(message):
    for key, offset in message["body"]["offsets"].items():
        committed[key] = max(committed.get(key, -1), offset)
    node.reply(message, type="own_commit_offsets_ok", done={})


@node.on("list_committed_offsets")
def listed(message):
    keys = dict.fromkeys(message["body"]["keys"], 0)
    gather(message, "list_committed_offsets", keys, "offsets")


@node.on("own_list_committed_offsets")
def own_listed(message):
    found = {key: committed[key] for key in message["body"]["offsets"] if key in committed}
    node.reply(message, type="own_list_committed_offsets_ok", offsets=found)


node.run()
