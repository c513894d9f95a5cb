"""Mistake: tells its peers which number it gave out, which none of them needs to know."""

import socket
import sys
import time

_, name, port, *peers = sys.argv
place = sorted([name, *peers]).index(name)
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
last = 0
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    if request == "@taken":
        continue
    last = max(last + 1, time.time_ns())
    node.sendto(f"{request} {last * 3 + place}".encode(), client)
    for peer in peers:
        node.sendto(f"@taken {last}".encode(), (peer, int(port)))
