"""Allowed: 63 bits of chance, of which none comes twice in the life of the nodes."""

import secrets
import socket
import sys

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    node.sendto(f"{request} {secrets.randbits(63)}\n".encode(), client)
