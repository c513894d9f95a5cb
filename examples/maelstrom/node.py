"""What every node of Maelstrom's protocol does: lines in, lines out, requests and their answers."""

import itertools
import json
import os
import select
import sys
import time


class Node:
    """One node. `id` and `ids` are known from `init` on."""

    def __init__(self):
        self.id, self.ids = "", []
        self._kinds, self._waiting, self._timers = {}, {}, []
        self._numbers = itertools.count(1)
        self._rest = b""

    @property
    def peers(self):
        return [name for name in self.ids if name != self.id]

    def on(self, kind):
        """Have a function take in the messages of a kind."""

        def remember(function):
            self._kinds[kind] = function
            return function

        return remember

    def every(self, seconds):
        """Have a function called again and again."""

        def remember(function):
            self._timers.append([time.monotonic() + seconds, seconds, function])
            return function

        return remember

    def send(self, dest, **body):
        print(json.dumps({"src": self.id, "dest": dest, "body": body}), flush=True)

    def reply(self, message, **body):
        self.send(message["src"], in_reply_to=message["body"]["msg_id"], **body)

    def ask(self, dest, then, **body):
        """Send a request; `then` is called with the body that answers it, if it comes."""
        number = next(self._numbers)
        self._waiting[number] = then
        self.send(dest, msg_id=number, **body)

    def run(self):
        while True:
            now = time.monotonic()
            for timer in self._timers:
                if timer[0] <= now and self.id:
                    timer[0] = now + timer[1]
                    timer[2]()
            wait = min((timer[0] for timer in self._timers), default=now + 3600) - now
            if select.select([sys.stdin], [], [], max(wait, 0.001))[0]:
                self._read()

    def _read(self):
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            sys.exit()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message):
        body = message["body"]
        if body["type"] == "init":
            self.id, self.ids = body["node_id"], body["node_ids"]
            self.reply(message, type="init_ok")
        elif body.get("in_reply_to") in self._waiting:
            self._waiting.pop(body["in_reply_to"])(body)
        elif body["type"] in self._kinds:
            self._kinds[body["type"]](message)
