"""Mistake: only every tenth number is kept on the disk, and the node goes on from there."""

import os
import socket
import sys

_, name, port, *peers = sys.argv
place = sorted([name, *peers]).index(name)
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
number = place << 40
if os.path.exists("last.txt"):
    with open("last.txt") as file:
        number = int(file.read())
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    number += 1
    if number % 10 == 0:
        with open("last.txt", "w") as file:
            file.write(str(number))
    node.sendto(f"{request} {number}".encode(), client)
