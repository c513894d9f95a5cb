"""Allowed: after a start the coordinator asks for the votes again, instead of refusing what it had not decided."""

import json
import os
import socket
import sys
import time

AGAIN, LONGEST = 0.1, 0.5

role = sys.argv[1]
port = int(sys.argv[2] if role == "coordinator" else sys.argv[3])
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", port))


def tell(host: str, *words: str) -> None:
    here.sendto(f"@{' '.join(words)}".encode(), (host, port))


class Node:
    """What both roles have: a name, and what became of each booking, kept in a file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fate: dict[str, str] = {}  # by booking: asked, ready, booked, refused
        if os.path.exists("kept"):
            with open("kept") as kept:
                self.fate = json.load(kept)

    def set(self, booking: str, fate: str) -> None:
        self.fate[booking] = fate
        with open("kept.new", "w") as kept:
            json.dump(self.fate, kept)
            kept.flush()
            os.fsync(kept.fileno())
        os.rename("kept.new", "kept")


class Coordinator(Node):
    def __init__(self, _: str, *participants: str) -> None:
        super().__init__("coordinator")
        self.participants = participants
        self.votes: dict[str, set[str]] = {}
        self.until = dict.fromkeys(self.fate, time.monotonic() + LONGEST)
        self.clients: dict[str, tuple[str, tuple[str, int]]] = {}
        self.known: dict[str, set[str]] = {}  # who has the decision

    def ask(self, request: str, verb: str, words: list[str], client: tuple[str, int]) -> None:
        booking = words[0]
        self.clients[booking] = request, client
        if booking not in self.fate:
            self.set(booking, "asked")
            self.until[booking] = time.monotonic() + LONGEST
            for one in self.participants:
                tell(one, "can", booking)
        self.answer(booking)

    def answer(self, booking: str) -> None:
        if self.fate[booking] != "asked" and booking in self.clients:
            request, client = self.clients.pop(booking)
            here.sendto(f"{request} {self.fate[booking]}".encode(), client)

    def decide(self, booking: str, fate: str) -> None:
        if self.fate.get(booking, "asked") == "asked":
            self.set(booking, fate)
            self.answer(booking)
            for one in self.participants:
                tell(one, fate, booking)

    def tick(self) -> None:
        for booking, fate in list(self.fate.items()):
            if fate == "asked":
                if time.monotonic() >= self.until.get(booking, 0.0):
                    self.decide(booking, "refused")
                    continue
                fate = "can"
            for one in self.participants:
                if one not in self.known.get(booking, ()):
                    tell(one, fate, booking)

    def busy(self) -> bool:
        return any(len(self.known.get(one, ())) < 2 for one in self.fate)

    def take(self, verb: str, booking: str, sender: str) -> None:
        if verb == "no":
            self.decide(booking, "refused")
        elif verb == "yes":
            votes = self.votes.setdefault(booking, set())
            votes.add(sender)
            if len(votes) == len(self.participants):
                self.decide(booking, "booked")
        elif verb == "known":
            self.known.setdefault(booking, set()).add(sender)
        elif verb == "what" and booking in self.fate and self.fate[booking] != "asked":
            tell(sender, self.fate[booking], booking)


class Participant(Node):
    def __init__(self, name: str, _: str, places: str, coordinator: str, peer: str) -> None:
        super().__init__(name)
        self.places, self.coordinator, self.peer = int(places), coordinator, peer

    def ask(self, request: str, verb: str, words: list[str], client: tuple[str, int]) -> None:
        fates = list(self.fate.values())
        if verb == "free":
            free = self.places - fates.count("booked") - fates.count("ready")
            here.sendto(f"{request} {free}".encode(), client)
        else:
            booked = [booking for booking, fate in self.fate.items() if fate == "booked"]
            here.sendto(" ".join([request, *booked]).encode(), client)

    def tick(self) -> None:
        for booking, fate in self.fate.items():
            if fate == "ready":
                tell(self.coordinator, "what", booking, self.name)
                tell(self.peer, "what", booking, self.name)

    def busy(self) -> bool:
        return "ready" in self.fate.values()

    def take(self, verb: str, booking: str, sender: str) -> None:
        fate = self.fate.get(booking)
        if verb == "can":
            if fate is None:
                fates = list(self.fate.values())
                full = fates.count("booked") + fates.count("ready") >= self.places
                fate = "refused" if full else "ready"
                self.set(booking, fate)
            tell(self.coordinator, "no" if fate == "refused" else "yes", booking, self.name)
        elif verb == "what":
            if fate is None:
                fate = "refused"  # it has not voted, and will vote no
                self.set(booking, fate)
            if fate != "ready":
                tell(sender, fate, booking)
        elif verb in ("booked", "refused"):
            if fate in (None, "ready"):
                self.set(booking, verb)
            tell(self.coordinator, "known", booking, self.name)


node = Coordinator(*sys.argv[2:]) if role == "coordinator" else Participant(*sys.argv[2:])
due = 0.0
while True:
    now = time.monotonic()
    if node.busy() and now >= due:
        node.tick()
        due = now + AGAIN
    here.settimeout(max(0.001, due - now) if node.busy() else None)
    try:
        data, client = here.recvfrom(1000)
    except TimeoutError:
        continue
    verb, *words = data.decode().split()
    if verb.startswith("@"):
        node.take(verb[1:], words[0], words[1] if len(words) > 1 else "")
    else:
        node.ask(verb, words[0], words[1:], client)
