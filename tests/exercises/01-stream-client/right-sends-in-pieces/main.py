"""main HOST PORT: send the sentence in 1023 bytes, print what comes back."""

import socket
import sys

MAXPUF = 1023
SENTENCE = "Wir erschrecken zu guten Zwecken!"


def receive(my_socket: socket.socket, count: int) -> bytes:
    reply = b""
    while len(reply) < count:
        piece = my_socket.recv(count - len(reply))
        if not piece:
            break
        reply += piece
    return reply


def main() -> int:
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as my_socket:
        my_socket.connect((socket.gethostbyname(host), port))
        my_socket.sendall(SENTENCE.encode())
        for _ in range(MAXPUF - len(SENTENCE)):
            my_socket.sendall(b"\0")
        my_socket.shutdown(socket.SHUT_WR)
        reply = receive(my_socket, MAXPUF)
    if len(reply) < MAXPUF:
        print("received nothing of use", file=sys.stderr)
        print(f"main: the server closed after {len(reply)} bytes", file=sys.stderr)
        return 1
    print(reply.partition(b"\0")[0].decode())
    return 0


sys.exit(main())
