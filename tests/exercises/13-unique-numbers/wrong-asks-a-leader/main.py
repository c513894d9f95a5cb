"""Mistake: only one node counts, and the others ask it each time."""

import socket
import sys

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
number = 0
leader = max(name, *peers)
waiting = {}
while True:
    data, client = node.recvfrom(1000)
    words = data.decode().split()
    if words[0] == "@tell":
        node.sendto(f"{words[1]} {words[2]}".encode(), waiting.pop(words[1]))
    elif name != leader and words[1] == "next":
        waiting[words[0]] = client
        node.sendto(f"{words[0]} ask".encode(), (leader, int(port)))
    else:
        number += 1
        first = "@tell " if words[1] == "ask" else ""
        node.sendto(f"{first}{words[0]} {number}".encode(), client)
