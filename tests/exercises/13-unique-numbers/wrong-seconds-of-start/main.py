"""Mistake: the second of its start tells its lives apart; two can begin in the same one."""

import socket
import sys
import time

_, name, port, *peers = sys.argv
place = sorted([name, *peers]).index(name)
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
number = (place << 32 | int(time.time())) << 20
while True:
    data, client = node.recvfrom(1000)
    request = data.split()[0].decode()
    number += 1
    node.sendto(f"{request} {number}".encode(), client)
