"""Send many bytes, then read until all are back or the end: `send_all.py HOST PORT BYTES`.

Prints how many came back, whether they are those that were sent, and what ended the
exchange.
"""

import json
import socket
import sys


def main(host: str, port: int, size: int) -> None:
    message = bytes(number % 251 for number in range(size))
    reply = b""
    ended = "all came back"
    with socket.create_connection((host, port), timeout=10) as my_socket:
        try:
            my_socket.sendall(message)
        except ConnectionError:
            ended = "reset"  # what came before it can still be read
        try:
            while len(reply) < size and (piece := my_socket.recv(size)):
                reply += piece
        except ConnectionResetError:
            ended = "reset"
    if len(reply) < size and ended != "reset":
        ended = "closed"
    same = message.startswith(reply)
    print(json.dumps({"received": len(reply), "same": same, "ended": ended}))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
