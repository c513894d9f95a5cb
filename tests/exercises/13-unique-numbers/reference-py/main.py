"""main NAME PORT PEER PEER: a node that gives out numbers which no other node gives out.

A number is this node's place among the names, how often it was started, and how often it was
asked since then. Only the second must be known after a loss of power.
"""

import os
import socket
import sys

STARTS = 20
"""The bits of a number that count, one above the other: numbers, and starts above them."""

COUNT = 30
FILE = "starts.txt"


def starts() -> int:
    """How often this node has been started, now too; on the disk before any number is used."""
    try:
        with open(FILE) as file:
            count = int(file.read()) + 1
    except FileNotFoundError:
        count = 1
    with open(FILE + ".new", "w") as file:
        file.write(str(count))
        file.flush()
        os.fsync(file.fileno())
    os.rename(FILE + ".new", FILE)
    return count


_, name, port, *peers = sys.argv
place = sorted([name, *peers]).index(name)
number = (place << STARTS | starts()) << COUNT
node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
node.bind(("", int(port)))
while True:
    data, client = node.recvfrom(1000)
    request = data.split()
    if len(request) == 2 and request[1] == b"next":
        number += 1
        node.sendto(b"%s %d\n" % (request[0], number), client)
