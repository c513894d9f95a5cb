"""Mistake: chance among so few numbers that one comes twice before long."""

import random
import socket
import sys

_, name, port, *peers = sys.argv
place = sorted([name, *peers]).index(name)
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    number = random.randrange(1 << 12) * 3 + place
    node.sendto(f"{request} {number}".encode(), client)
