"""Sends numbers, ends its sending side (shutdown(2)), and prints the answer.

python3 client.py HOST PORT
"""

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=30) as connection:
    connection.sendall(b"".join(b"%d\n" % number for number in range(1, 101)))
    connection.shutdown(socket.SHUT_WR)
    answer = b""
    while part := connection.recv(4096):
        answer += part
print(answer.decode().strip() or "no answer")
