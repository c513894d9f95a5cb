"""Many clients at one server: `crowd.py HOST PORT COUNT GAP SECONDS`.

A new client starts every GAP seconds. Prints for each how many seconds its `connect` took;
null if it had not succeeded SECONDS after the first client started.
"""

import json
import selectors
import socket
import sys
import time


def main(host: str, port: int, count: int, gap: float, seconds: float) -> None:
    waiting = selectors.DefaultSelector()
    began = time.monotonic()
    clients: list[socket.socket] = []
    starts: list[float] = []
    took: list[float | None] = [None] * count
    while time.monotonic() < began + seconds and None in took:
        now = time.monotonic()
        if len(starts) < count and now >= began + len(starts) * gap:
            client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            client.setblocking(False)
            client.connect_ex((host, port))
            clients.append(client)
            waiting.register(client, selectors.EVENT_WRITE, len(starts))
            starts.append(now)
        until = began + (len(starts) * gap if len(starts) < count else seconds)
        for key, _ in waiting.select(max(0.0, until - time.monotonic())):
            took[key.data] = round(time.monotonic() - starts[key.data], 6)
            waiting.unregister(key.fileobj)
    print(json.dumps(took))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
