"""Mistake: a node that hears of a larger term still names the leader of the smaller one."""

import os
import random
import socket
import sys
import time

BEAT, SHORTEST, LONGEST, SILENT = 0.1, 0.3, 0.7, 0.8

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))


class Elector:
    def __init__(self) -> None:
        try:
            with open("kept") as kept:
                term, self.vote = kept.read().split()
        except FileNotFoundError:
            term, self.vote = "0", "none"
        self.term = int(term)
        self.leader = "none"
        self.votes: set[str] = set()
        self.heard: dict[str, float] = {}  # when each peer last told that it follows
        self.due = 0.0
        self.wait()

    def keep(self, term: int, vote: str) -> None:
        self.term, self.vote = term, vote
        with open("kept.new", "w") as kept:
            kept.write(f"{term} {vote}")
            kept.flush()
            os.fsync(kept.fileno())
        os.rename("kept.new", "kept")

    def wait(self) -> None:
        self.due = time.monotonic() + random.uniform(SHORTEST, LONGEST)

    def tell(self, verb: str, *to: str) -> None:
        for peer in to:
            node.sendto(f"@{verb} {name} {self.term}".encode(), (peer, int(port)))

    def act(self) -> None:
        """Do what is due: tell the peers that this node leads, or stand for election."""
        now = time.monotonic()
        if self.leader == name:
            if max(self.heard.values()) > now - SILENT:
                self.tell("beat", *peers)
                self.due = now + BEAT
                return
            self.leader = "none"
            self.wait()
            return
        self.leader = "none"
        self.keep(self.term + 1, name)
        self.votes = {name}
        self.tell("stand", *peers)
        self.wait()

    def take(self, verb: str, sender: str, term: int) -> None:
        if term > self.term:
            self.keep(term, "none")
        if term < self.term:
            if verb in ("stand", "beat"):
                self.tell("late", sender)
        elif verb == "stand" and self.vote in ("none", sender):
            if self.vote == "none":
                self.keep(term, sender)
            self.wait()
            self.tell("vote", sender)
        elif verb == "vote" and self.vote == name and self.leader != name:
            self.votes.add(sender)
            if len(self.votes) > (len(peers) + 1) // 2:
                self.leader, self.heard = name, {sender: time.monotonic()}
                self.due = 0.0
        elif verb == "beat":
            self.leader = sender
            self.wait()
            self.tell("follow", sender)
        elif verb == "follow":
            self.heard[sender] = time.monotonic()


elector = Elector()
while True:
    left = elector.due - time.monotonic()
    if left <= 0:
        elector.act()
        continue
    node.settimeout(left)
    try:
        data, client = node.recvfrom(1000)
    except TimeoutError:
        continue
    words = data.decode().split()
    if words[0].startswith("@"):
        elector.take(words[0][1:], words[1], int(words[2]))
    else:
        node.sendto(f"{words[0]} {elector.leader} {elector.term}".encode(), client)
