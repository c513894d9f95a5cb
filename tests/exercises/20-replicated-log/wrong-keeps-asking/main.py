"""Mistake: a node looks again and again whether something has come, instead of waiting."""

import json
import os
import random
import socket
import sys
import time

BEAT, SHORTEST, LONGEST = 0.1, 0.3, 0.7
MOST = 50  # entries in a datagram

_, name, port, *peers = sys.argv
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", int(port)))


def tell(peer: str, verb: str, **message: object) -> None:
    here.sendto(f"@{verb} {json.dumps(message)}".encode(), (peer, int(port)))


class Node:
    def __init__(self) -> None:
        self.term, self.vote = 0, ""
        self.log: list[tuple[int, str]] = []  # of a term and a request; the first is entry 1
        if os.path.exists("kept"):
            with open("kept") as kept:
                self.term, self.vote, self.log = json.load(kept)
        self.leads = False
        self.following: dict[str, int] = {}  # by peer: the entry that it is sent next
        self.has: dict[str, int] = {}  # by peer: so many entries are as here
        self.agreed = self.applied = 0  # so many entries
        self.texts: dict[str, str] = {}
        self.done: set[str] = set()
        self.clients: dict[str, tuple[str, int]] = {}  # by request: who waits for its answer
        self.wait()

    def keep(self) -> None:
        with open("kept.new", "w") as kept:
            json.dump((self.term, self.vote, self.log), kept)
            kept.flush()
            os.fsync(kept.fileno())
        os.rename("kept.new", "kept")

    def term_of(self, number: int) -> int:
        return self.log[number - 1][0] if number else 0

    def newest(self) -> list[int]:
        return [self.term_of(len(self.log)), len(self.log)]

    def wait(self) -> None:
        self.due = time.monotonic() + random.uniform(SHORTEST, LONGEST)

    # --- elections

    def tick(self) -> None:
        if self.leads:
            for peer in peers:
                self.replicate(peer)
            self.due = time.monotonic() + BEAT
            return
        self.term, self.vote = self.term + 1, name
        self.keep()
        for peer in peers:
            tell(peer, "stand", sender=name, term=self.term, newest=self.newest())
        self.wait()

    def take(self, verb: str, message: dict) -> None:
        sender, term = message["sender"], message["term"]
        if term > self.term:
            self.term, self.vote, self.leads = term, "", False
            self.keep()
        if term < self.term:
            if verb in ("stand", "entries"):
                tell(sender, "late", sender=name, term=self.term)
        elif verb == "stand":
            self.elect(sender, message["newest"])
        elif verb == "vote" and not self.leads:
            self.lead()  # with its own vote it has two of three
        elif verb == "entries":
            self.wait()
            self.take_entries(sender, **message)
        elif verb == "taken" and self.leads:
            self.take_answer(sender, message["number"])
        elif verb == "gap" and self.leads and self.following[sender] > message["number"]:
            self.following[sender] = message["number"]
            self.replicate(sender)

    def elect(self, candidate: str, newest: list[int]) -> None:
        if self.vote in ("", candidate) and newest >= self.newest():
            self.vote = candidate
            self.keep()
            self.wait()
            tell(candidate, "vote", sender=name, term=self.term)

    def lead(self) -> None:
        self.leads = True
        self.following = dict.fromkeys(peers, len(self.log) + 1)
        self.has = dict.fromkeys(peers, 0)
        self.tick()

    # --- the log

    def replicate(self, peer: str) -> None:
        number = self.following[peer] - 1
        entries = self.log[number : number + MOST]
        about = {"number": number, "before": self.term_of(number), "agreed": self.agreed}
        tell(peer, "entries", sender=name, term=self.term, entries=entries, **about)

    def take_entries(self, leader, number, before, entries, agreed, **_) -> None:
        if number > len(self.log) or self.term_of(number) != before:
            wanted = min(number, len(self.log) + 1)
            tell(leader, "gap", sender=name, term=self.term, number=wanted)
            return
        changed = False
        for place, entry in enumerate(entries, number):
            if place < len(self.log) and self.log[place][0] != entry[0]:
                del self.log[place:]
            if place == len(self.log):
                self.log.append(entry)
                changed = True
        if changed:
            self.keep()
        number += len(entries)
        tell(leader, "taken", sender=name, term=self.term, number=number)
        self.agreed = max(self.agreed, min(agreed, number))
        self.apply()

    def take_answer(self, peer: str, number: int) -> None:
        self.has[peer] = max(self.has[peer], number)
        self.following[peer] = max(self.following[peer], number + 1)
        have = sorted([len(self.log), *self.has.values()])[1]  # two of three
        if have > self.agreed and self.term_of(have) == self.term:
            self.agreed = have
            self.apply()
        if self.following[peer] <= len(self.log):
            self.replicate(peer)

    # --- the store

    def ask(self, request: str, client: tuple[str, int]) -> None:
        if not self.leads:
            here.sendto(f"{request.split()[0]} elsewhere".encode(), client)
            return
        self.clients[request] = client
        self.log.append((self.term, request))
        self.keep()
        for peer in peers:
            self.replicate(peer)

    def apply(self) -> None:
        while self.applied < self.agreed:
            request = self.log[self.applied][1]
            self.applied += 1
            identity, verb, key, *word = request.split()
            answer = "ok"
            if verb == "get":
                answer = self.texts.get(key, "empty")
            elif identity not in self.done:
                self.done.add(identity)
                before = self.texts.get(key, "") if verb == "append" else ""
                self.texts[key] = before + word[0]
            if request in self.clients:
                here.sendto(f"{identity} {answer}".encode(), self.clients.pop(request))


node = Node()
while True:
    left = node.due - time.monotonic()
    if left <= 0:
        node.tick()
        continue
    here.setblocking(False)
    try:
        data, sender = here.recvfrom(65535)
    except BlockingIOError:
        continue
    text = data.decode()
    if text.startswith("@"):
        verb, _, rest = text[1:].partition(" ")
        node.take(verb, json.loads(rest))
    else:
        node.ask(text.strip(), sender)
