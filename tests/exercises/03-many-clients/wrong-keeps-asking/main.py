"""Closes the socket of a client that has gone, and goes on asking poll about it."""

import select
import socket
import sys

MySocket = socket.socket()
MySocket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
MySocket.bind(("", int(sys.argv[1])))
MySocket.listen(64)
ready = select.poll()
ready.register(MySocket, select.POLLIN)
clients: dict[int, socket.socket] = {}
while True:
    for descriptor, _ in ready.poll():
        if descriptor == MySocket.fileno():
            client, _ = MySocket.accept()
            clients[client.fileno()] = client
            ready.register(client, select.POLLIN)
        elif descriptor in clients:
            try:
                piece = clients[descriptor].recv(1023)
                clients[descriptor].sendall(piece)
            except OSError:
                piece = b""
            if not piece:
                clients.pop(descriptor).close()
