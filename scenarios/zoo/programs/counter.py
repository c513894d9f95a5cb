"""A counter on one node. It keeps what it has acknowledged, and repeats nothing that it has done.

python3 counter.py MISTAKE
"""

import sys

from echo_app.node import Node


class Counter(Node):
    def __init__(self, mistake):
        super().__init__([])
        self.mistake = mistake
        kept = {} if mistake == "forgets" else self.load()
        self.value = kept.get("value", 0)
        self.done = kept.get("done", [])  # the additions that were done, by their ids

    def on_read(self, message):
        self.answer(message, value=self.value)

    def on_write(self, message):
        self.value = message["value"]
        self.keep()
        self.answer(message)

    def on_add(self, message):
        if message["id"] not in self.done or self.mistake == "applies-twice":
            self.value += message["amount"]
            self.done.append(message["id"])
            self.keep()
        self.answer(message)

    def keep(self):
        if self.mistake != "forgets":
            self.save(value=self.value, done=self.done)


Counter(sys.argv[1]).run()
