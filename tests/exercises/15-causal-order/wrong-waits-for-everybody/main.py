"""Mistake: a word is shown only when it is known that everybody has it."""

import socket
import sys
import time

AGAIN = 0.3
"""Seconds after which a peer that has not answered is told again."""

Post = tuple[int, list[int], str]
"""The place of the node where a word was posted, its vector, the word."""

_, name, port, *peers = sys.argv
place = sorted([name, *peers]).index(name)
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
shown: list[str] = []
vector = [0] * (len(peers) + 1)
early: list[Post] = []
have: dict[str, set[str]] = {}
due: dict[tuple[str, str], tuple[float, str]] = {}  # by peer and word: when to tell what


def tell(peer: str, word: str, message: str) -> None:
    due[peer, word] = (time.monotonic() + AGAIN, message)
    node.sendto(message.encode(), (peer, int(port)))


def post(word: str) -> None:
    vector[place] += 1
    shown.append(word)
    for peer in peers:
        tell(peer, word, f"@post {place} {','.join(map(str, vector))} {word}")


def is_next(one: Post) -> bool:
    """Whether all that a word depends on is shown, and the word itself is not."""
    source, counts, word = one
    return len(have.get(word, ())) >= len(peers) - 1 and all(
        count == vector[number] + 1 if number == source else count <= vector[number]
        for number, count in enumerate(counts)
    )


def show() -> None:
    """Show what can be shown now."""
    while ready := [one for one in early if is_next(one)]:
        source, counts, word = ready[0]
        vector[source] += 1
        shown.append(word)
        early.remove(ready[0])
    early[:] = [one for one in early if one[1][one[0]] > vector[one[0]]]


def take(words: list[str], sender: tuple[str, int]) -> None:
    if words[0] == "@post":
        early.append((int(words[1]), [int(count) for count in words[2].split(",")], words[3]))
        show()
        for peer in peers:
            node.sendto(f"@have {name} {words[3]}".encode(), (peer, int(port)))
    elif words[0] == "@have":
        due.pop((words[1], words[2]), None)
        have.setdefault(words[2], set()).add(words[1])
        show()
    elif words[1] == "post":
        post(words[2])
        node.sendto(f"{words[0]} ok".encode(), sender)
    else:
        node.sendto(" ".join([words[0], *shown]).encode(), sender)


while True:
    now = time.monotonic()
    for (peer, word), (when, message) in list(due.items()):
        if when <= now:
            tell(peer, word, message)
    soonest = min((when for when, _ in due.values()), default=None)
    node.settimeout(None if soonest is None else max(0.001, soonest - now))
    try:
        data, sender = node.recvfrom(1500)
    except TimeoutError:
        continue
    take(data.decode().split(), sender)
