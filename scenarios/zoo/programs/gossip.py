"""A counter that is there on every node and grows on any (Shapiro and others, 2011: G-counter).

Each node counts its own additions, and knows of the others what it was told. Two states are joined
by the larger figure of each node, so that a message may come late, twice, or never.

    python3 gossip.py MISTAKE
"""

import sys

from echo_app.node import Node

NODES = ("a", "b", "c")
ROUND = 0.1


class Counter(Node):
    def __init__(self, mistake):
        super().__init__(NODES)
        self.mistake = mistake
        self.counts = {} if mistake == "forgets" else self.load().get("counts", {})
        self.news = 0  # what was added since the last round
        self.gossip()

    def gossip(self):
        if self.mistake == "gossips-news" and self.news:
            self.send_all("state", counts={self.name: self.news})
        elif self.mistake != "gossips-news":
            self.send_all("state", counts=self.counts)
        self.news = 0
        self.later(ROUND, self.gossip)

    def on_state(self, message):
        for node, count in message["counts"].items():
            mine = self.counts.get(node, 0)
            if self.mistake == "counts-twice" and node == message["sender"]:
                if count != mine:
                    self.counts[node] = mine + count
            elif self.mistake == "gossips-news":
                self.counts[node] = mine + count
            elif self.mistake == "last-one-wins":
                self.counts[node] = count
            else:
                self.counts[node] = max(mine, count)
        self.keep()

    def on_add(self, message):
        if self.mistake == "acknowledges-early":
            self.answer(message)
            self.later(ROUND, lambda: self.add(message["amount"]))
            return
        self.add(message["amount"])
        self.answer(message)

    def add(self, amount):
        self.counts[self.name] = self.counts.get(self.name, 0) + amount
        self.news += amount
        self.keep()

    def keep(self):
        if self.mistake != "forgets":
            self.save(counts=self.counts)

    def on_read(self, message):
        self.answer(message, value=sum(self.counts.values()))


Counter(sys.argv[1]).run()
