"""A lock with leases, and a store that takes only what comes with the newest token.

A lease ends by the server's clock; its holder may not know yet (Kleppmann, "How to do distributed
locking", 2016). So each grant has a larger token, and the store refuses a smaller one than it saw.

    python3 lock.py MISTAKE server|store
"""

import sys
import time

from echo_app.node import Node

LEASE = 0.3


class Server(Node):
    def __init__(self, mistake):
        super().__init__([])
        self.mistake = mistake
        self.token = 0 if mistake == "forgets-token" else self.load().get("token", 0)
        self.until = 0.0 if mistake == "forgets-lease" else time.monotonic() + LEASE
        self.holder = ""

    def on_acquire(self, message):
        if time.monotonic() < self.until:
            self.answer(message, refused=True)
            return
        if self.mistake != "token-again":
            self.token += 1
        self.save(token=self.token)
        self.holder, self.until = message["holder"], time.monotonic() + LEASE
        self.answer(message, token=self.token)

    def on_release(self, message):
        own = message["token"] == self.token or self.mistake == "anybody-releases"
        if own:
            self.until = 0.0
        self.answer(message)


class Store(Node):
    def __init__(self, mistake):
        super().__init__([])
        self.mistake = mistake
        kept = self.load()
        self.value = kept.get("value", 0)
        self.newest = 0 if mistake == "store-forgets-token" else kept.get("newest", 0)

    def on_read(self, message):
        token = message.get("token", self.newest)
        if self.fenced(token):
            self.answer(message, refused=True)
        else:
            self.answer(message, value=self.value)

    def on_write(self, message):
        if self.fenced(message["token"]):
            self.answer(message, refused=True)
            return
        self.value = message["value"]
        self.save(value=self.value, newest=self.newest)
        self.answer(message)

    def fenced(self, token):
        """Whether a token is older than one that was seen."""
        if self.mistake == "no-fencing":
            return False
        if token < self.newest:
            return True
        if token > self.newest and self.mistake != "fences-writes-alone":
            self.newest = token
            self.save(value=self.value, newest=self.newest)
        return False


mistake, name = sys.argv[1:]
(Server if name == "server" else Store)(mistake).run()
