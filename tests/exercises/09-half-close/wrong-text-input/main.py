"""main HOST PORT: send standard input, print the answer."""

import socket
import sys


def main() -> int:
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.connect((socket.gethostbyname(host), port))
        my_socket.sendall(sys.stdin.buffer.read().decode(errors="replace").encode())
        my_socket.shutdown(socket.SHUT_WR)
        try:
            while piece := my_socket.recv(1023):
                sys.stdout.buffer.write(piece)
        except OSError as error:
            print(f"main: {error}", file=sys.stderr)
            return 1
    return 0


sys.exit(main())
