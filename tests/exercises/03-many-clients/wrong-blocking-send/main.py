"""main PORT: send everything back to many clients, by one thread that select wakes."""

import selectors
import socket
import sys

ready = selectors.DefaultSelector()
door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("", int(sys.argv[1])))
door.listen(64)
ready.register(door, selectors.EVENT_READ)
while True:
    for key, _ in ready.select():
        client = key.fileobj
        if client is door:
            ready.register(door.accept()[0], selectors.EVENT_READ)
            continue
        try:
            piece = client.recv(4096)
            client.sendall(piece)
        except OSError:
            piece = b""
        if not piece:
            ready.unregister(client)
            client.close()
