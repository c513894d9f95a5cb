"""Mistake: every node counts from 1, and none says which node it is."""

import socket
import sys

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
number = 0
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    number += 1
    node.sendto(f"{request} {number}".encode(), client)
