"""Adds 20 numbers to a set, one every 0.2 s, and prints how many were acknowledged.

An element that a server does not take is tried at the other one.

python3 client.py wrong|right PORT HOST HOST
"""

import itertools
import socket
import sys
import time

kind, port, *hosts = sys.argv[1:]


def ask(connection: socket.socket, *words: object) -> str:
    """The one line with which Redis answers to a command."""
    parts = [str(word).encode() for word in words]
    told = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    connection.sendall(b"*%d\r\n%s" % (len(parts), told))
    answer = b""
    while not answer.endswith(b"\r\n"):
        part = connection.recv(1000)
        if not part:
            raise ConnectionError("the server is gone")
        answer += part
    return answer.decode().strip()


def add(host: str, element: int) -> bool:
    """Whether a server has taken an element, for good."""
    with socket.create_connection((host, int(port)), timeout=1.0) as connection:
        if not ask(connection, "SADD", "elements", element).startswith(":"):
            return False  # a replica takes no writes
        return kind == "wrong" or ask(connection, "WAIT", 1, 500) == ":1"


acknowledged = 0
for element in range(20):
    for host in itertools.islice(itertools.cycle(hosts), 60):
        try:
            if add(host, element):
                acknowledged += 1
                break
        except OSError:
            pass
        time.sleep(0.1)
    time.sleep(0.2)
print(acknowledged)
