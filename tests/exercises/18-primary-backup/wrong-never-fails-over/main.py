"""Mistake: the view service keeps the first primary, also when nothing is heard of it."""

import json
import os
import socket
import sys
import time

TICK, DEAD = 0.1, 0.45

role = sys.argv[1]
port = int(sys.argv[2] if role == "view" else sys.argv[3])
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", port))


def tell(host: str, verb: str, **message: object) -> None:
    here.sendto(f"@{verb} {json.dumps(message)}".encode(), (host, port))


class View:
    """Who is the primary and who is the backup; this service does not fail."""

    def __init__(self, *stores: str) -> None:
        self.stores = stores
        self.number, self.primary, self.backup = 0, "", ""
        self.whole = False  # whether the backup has the state
        self.heard = dict.fromkeys(stores, float("-inf"))

    def alive(self, store: str) -> bool:
        return self.heard[store] > time.monotonic() - DEAD

    def change(self, primary: str, backup: str) -> None:
        self.number, self.primary, self.backup = self.number + 1, primary, backup
        self.whole = False

    def tick(self) -> None:
        if self.backup and not self.alive(self.primary) and self.whole:
            pass
        elif self.backup and not self.alive(self.backup):
            self.change(self.primary, "")
        for store in filter(self.alive, self.stores):
            if not self.primary:
                self.change(store, "")
            elif not self.backup and store != self.primary and self.alive(self.primary):
                self.change(self.primary, store)

    def take(self, verb: str, message: dict) -> None:
        self.heard[message["name"]] = time.monotonic()
        if message["number"] == self.number and message["name"] == self.primary:
            self.whole = self.whole or message["whole"]
        self.tick()
        view = {"number": self.number, "primary": self.primary, "backup": self.backup}
        tell(message["name"], "view", **view)

    def ask(self, request: str, verb: str, words: list[str], client: tuple[str, int]) -> None:
        here.sendto(f"{request} {self.primary or 'none'}".encode(), client)


class Store:
    def __init__(self, name: str, _: str, view: str, peer: str) -> None:
        self.name, self.service, self.peer = name, view, peer
        self.number, self.primary, self.backup = 0, "", ""
        self.whole = False  # the primary: the backup has the state; the backup: it has the state
        self.version = 0  # how many operations were done
        self.last: list[str] = []  # the one done last, which the backup may lack
        self.texts: dict[str, str] = {}
        self.done: list[str] = []
        if os.path.exists("kept"):
            with open("kept") as kept:
                self.__dict__ |= json.load(kept)
        self.queue: list[tuple[str, str, list[str], tuple[str, int]]] = []
        self.asking = None  # the client whose operation the backup is doing
        self.waiting = bool(self.last and self.is_primary() and self.backup and self.whole)

    def keep(self) -> None:
        names = ("number", "primary", "backup", "whole", "version", "last", "texts", "done")
        with open("kept.new", "w") as kept:
            json.dump({name: getattr(self, name) for name in names}, kept)
            kept.flush()
            os.fsync(kept.fileno())
        os.rename("kept.new", "kept")

    def is_primary(self) -> bool:
        return self.primary == self.name

    # --- views

    def tick(self) -> None:
        tell(self.service, "ping", name=self.name, number=self.number, whole=self.whole)
        if self.is_primary() and self.backup and not self.whole:
            state = {"version": self.version, "texts": self.texts, "done": self.done}
            tell(self.peer, "state", number=self.number, **state)
        if self.waiting:
            self.copy()

    def take(self, verb: str, message: dict) -> None:
        if verb == "view":
            self.take_view(message)
        elif message["number"] == self.number:
            self.take_from_peer(verb, message)

    def take_view(self, view: dict) -> None:
        if view["number"] > self.number:
            self.__dict__ |= view
            self.whole = False
            self.waiting, self.asking, self.queue = False, None, []
            self.keep()
            self.tick()

    def take_from_peer(self, verb: str, message: dict) -> None:
        if verb == "state" and self.backup == self.name:
            if not self.whole:
                self.__dict__ |= message
                self.whole = True
                self.keep()
            tell(self.peer, "taken", number=self.number)
        elif verb == "taken" and self.is_primary() and not self.whole:
            self.whole = True
            self.keep()
        elif verb == "copy" and self.backup == self.name and self.whole:
            if message["version"] == self.version + 1:
                self.apply(message["operation"])
            if message["version"] <= self.version:
                tell(self.peer, "copied", number=self.number, version=message["version"])
        elif verb == "copied" and self.waiting and message["version"] == self.version:
            self.waiting = False
            self.finish()

    # --- operations

    def ask(self, request: str, verb: str, words: list[str], client: tuple[str, int]) -> None:
        if not self.is_primary():
            here.sendto(f"{request} elsewhere".encode(), client)
        elif self.whole or not self.backup:
            self.queue.append((request, verb, words, client))
            self.work()

    def work(self) -> None:
        while self.queue and not self.waiting:
            request, verb, words, client = self.queue.pop(0)
            self.asking = client
            self.apply([request, verb, *words])
            if self.backup:
                self.waiting = True
                self.copy()
            else:
                self.finish()

    def apply(self, operation: list[str]) -> None:
        request, verb, key, *word = operation
        if verb == "append" and request not in self.done:
            self.done.append(request)
            self.texts[key] = self.texts.get(key, "") + word[0]
        self.version, self.last = self.version + 1, operation
        self.keep()

    def copy(self) -> None:
        tell(self.peer, "copy", number=self.number, version=self.version, operation=self.last)

    def finish(self) -> None:
        request, verb, key, *_ = self.last
        answer = "ok" if verb == "append" else self.texts.get(key, "empty")
        if self.asking is not None:
            here.sendto(f"{request} {answer}".encode(), self.asking)
        self.asking = None
        self.work()


node = View(*sys.argv[3:]) if role == "view" else Store(*sys.argv[2:])
due = 0.0
while True:
    left = due - time.monotonic()
    if left <= 0:
        node.tick()
        due = time.monotonic() + TICK
        continue
    here.settimeout(left)
    try:
        data, sender = here.recvfrom(65535)
    except TimeoutError:
        continue
    text = data.decode()
    if text.startswith("@"):
        verb, _, rest = text[1:].partition(" ")
        node.take(verb, json.loads(rest))
    else:
        request, verb, *words = text.split()
        node.ask(request, verb, words, sender)
