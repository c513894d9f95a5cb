"""Mistake: after a loss of power the node begins with its first number again."""

import socket
import sys

_, name, port, *peers = sys.argv
place = sorted([name, *peers]).index(name)
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
number = place << 40
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    number += 1
    node.sendto(f"{request} {number}".encode(), client)
