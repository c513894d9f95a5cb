"""A register on three nodes, kept by majorities (Attiya, Bar-Noy and Dolev, 1995).

Each version has a stamp: a number and the name of the node that made it. To write, a node asks a
majority for their stamps, and has a majority store the value with a larger one. To read, it asks a
majority, and has a majority store the newest that it heard of before it answers.

    python3 quorum.py MISTAKE
"""

import sys

from echo_app.node import Node

NODES = ("a", "b", "c")


class Replica(Node):
    def __init__(self, mistake):
        super().__init__(NODES)
        self.mistake = mistake
        self.stamp, self.value = [0, ""], None
        if mistake != "forgets":
            kept = self.load()
            self.stamp, self.value = kept.get("stamp", self.stamp), kept.get("value")
        self.rounds = 0
        self.open = {}

    # --- what a client asks for

    def on_read(self, message):
        if self.mistake == "reads-alone":
            self.answer(message, value=self.value)
            return
        self.ask(lambda stamp, value: self.read_back(message, stamp, value))

    def read_back(self, message, stamp, value):
        if self.mistake == "no-write-back":
            self.answer(message, value=value)
            return
        self.store(stamp, value, lambda: self.answer(message, value=value))

    def on_write(self, message):
        value = message["value"]

        def write(stamp, _):
            self.store([stamp[0] + 1, self.name], value, lambda: self.answer(message))

        if self.mistake == "no-query":
            write(self.stamp, None)
        else:
            self.ask(write)

    # --- rounds of messages to all nodes

    def ask(self, then):
        """Ask all for their version; `then` is given the newest that a majority has."""
        number = self.begin("versions", lambda found: then(*max(found, key=lambda one: one[0])))
        self.send_all("get", round=number)
        self.got(number, self.name, [self.stamp, self.value])

    def store(self, stamp, value, then):
        """Have all store a version; `then` is called when a majority has."""
        number = self.begin("stored", lambda _: then())
        self.send_all("put", round=number, stamp=stamp, value=value)
        self.keep(stamp, value)
        self.got(number, self.name, True)

    def begin(self, what, then):
        self.rounds += 1
        self.open[self.rounds] = (what, {}, then)
        return self.rounds

    def got(self, number, node, found):
        if number not in self.open:
            return
        what, answers, then = self.open[number]
        answers[node] = found
        needed = len(NODES) // 2 + 1
        if self.mistake == "small-quorums" and what == "stored":
            needed = 1  # with reads of two: R + W = N
        if len(answers) >= needed:
            del self.open[number]
            then(list(answers.values()))

    def on_get(self, message):
        version = [self.stamp, self.value]
        self.send(message["sender"], "have", round=message["round"], version=version)

    def on_have(self, message):
        self.got(message["round"], message["sender"], message["version"])

    def on_put(self, message):
        self.keep(message["stamp"], message["value"])
        self.send(message["sender"], "kept", round=message["round"])

    def on_kept(self, message):
        self.got(message["round"], message["sender"], True)

    def keep(self, stamp, value):
        if stamp > self.stamp or self.mistake == "last-one-wins":
            self.stamp, self.value = stamp, value
            self.save(stamp=stamp, value=value)


Replica(sys.argv[1]).run()
