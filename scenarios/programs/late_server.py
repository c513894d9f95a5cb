"""A server that listens but is busy: `late_server.py PORT BACKLOG SECONDS COUNT`.

It first calls `accept` SECONDS after the first client has connected, and ends when it has
accepted COUNT clients.
"""

import select
import socket
import sys
import time


def main(port: int, backlog: int, seconds: float, count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.bind(("", port))
        my_socket.listen(backlog)
        select.select([my_socket], [], [])
        time.sleep(seconds)
        for _ in range(count):
            foreign_socket, _ = my_socket.accept()
            foreign_socket.close()


main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
