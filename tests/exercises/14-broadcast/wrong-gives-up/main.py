"""Mistake: a peer that has not answered ten times is told no more."""

import socket
import sys
import time

AGAIN = 0.3
"""Seconds after which a peer that has not answered is told again."""

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
known: set[str] = set()
lacks: dict[str, set[str]] = {peer: set() for peer in peers}
tries = dict.fromkeys(peers, 0)
told = dict.fromkeys(peers, 0.0)


def tell(peer: str, words: set[str]) -> None:
    told[peer] = time.monotonic()
    node.sendto(" ".join(["@news", name, *sorted(words)]).encode(), (peer, int(port)))


def answer(words: list[str]) -> str:
    if words[1] == "read":
        return " ".join([words[0], *sorted(known)])
    if words[2] not in known:
        known.add(words[2])
        for peer in peers:
            lacks[peer].add(words[2])
            tell(peer, {words[2]})
    return f"{words[0]} ok"


def wait() -> None:
    """Wait for a datagram, but only until a peer must be told again."""
    due = [told[peer] + AGAIN for peer in peers if lacks[peer]]
    node.settimeout(max(0.001, min(due) - time.monotonic()) if due else None)


while True:
    for peer in peers:
        if lacks[peer] and time.monotonic() >= told[peer] + AGAIN:
            tell(peer, lacks[peer])
            tries[peer] += 1
            if tries[peer] == 10:
                lacks[peer].clear()
    wait()
    try:
        data, sender = node.recvfrom(1500)
    except TimeoutError:
        continue
    words = data.decode().split()
    if words[0] == "@news":
        known.update(words[2:])
        node.sendto(" ".join(["@known", name, *words[2:]]).encode(), sender)
    elif words[0] == "@known":
        lacks[words[1]].difference_update(words[2:])
        tries[words[1]] = 0
    else:
        node.sendto(answer(words).encode(), sender)
