"""main HOST PORT: send standard input, print the answer."""

import os
import socket
import sys
import threading


def send_all(my_socket: socket.socket) -> None:
    try:
        while piece := sys.stdin.buffer.read1(500):
            my_socket.sendall(piece)
        my_socket.shutdown(socket.SHUT_WR)
    except OSError as error:
        print(f"main: {error}", file=sys.stderr)
        os._exit(1)


def main() -> int:
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.connect((socket.gethostbyname(host), port))
        threading.Thread(target=send_all, args=(my_socket,), daemon=True).start()
        try:
            while piece := my_socket.recv(1023):
                sys.stdout.buffer.write(piece)
        except OSError as error:
            print(f"main: {error}", file=sys.stderr)
            return 1
    return 0


sys.exit(main())
