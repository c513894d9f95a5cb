"""Mistake: numbers of 128 bits, which are more than the client can take."""

import socket
import sys
import uuid

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    node.sendto(f"{request} {uuid.uuid4().int}".encode(), client)
