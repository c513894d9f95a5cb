"""Mistake: the length of the name tells the nodes apart, which two of them share."""

import socket
import sys

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
number = len(name) << 40
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    number += 1
    node.sendto(f"{request} {number}".encode(), client)
