"""Mistake: what comes is a text with a number in it."""

import socket
import sys
import time

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
last = 0
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    last = max(last + 1, time.time_ns())
    node.sendto(f"{request} {name}-{last}".encode(), client)
