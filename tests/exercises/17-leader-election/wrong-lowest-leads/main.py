"""Mistake: of the nodes that hear each other, the one whose name comes first leads."""

import os
import socket
import sys
import time

BEAT, SILENT = 0.1, 0.5

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
term, leader = 0, "none"
if os.path.exists("kept"):
    with open("kept") as kept:
        term = int(kept.read())
heard: dict[str, float] = {}
due = 0.0
while True:
    now = time.monotonic()
    if now >= due:
        for peer in peers:
            node.sendto(f"@here {name} {term}".encode(), (peer, int(port)))
        due = now + BEAT
    there = [peer for peer, when in heard.items() if when > now - SILENT]
    first = min([name, *there]) if there else "none"
    if first != leader:
        leader, term = first, term + (first == name)
        with open("kept", "w") as kept:
            kept.write(f"{term}")
    node.settimeout(max(0.001, due - now))
    try:
        data, client = node.recvfrom(1000)
    except TimeoutError:
        continue
    words = data.decode().split()
    if words[0] == "@here":
        heard[words[1]] = time.monotonic()
        term = max(term, int(words[2]))
    else:
        node.sendto(f"{words[0]} {leader} {term}".encode(), client)
