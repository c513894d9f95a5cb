"""Allowed: the clock in nanoseconds, as long as it has moved on; nothing is kept."""

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
    last = max(last + 1, time.time_ns())
    node.sendto(f"{request} {last * 4 + place}".encode(), client)
