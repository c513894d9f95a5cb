"""main HOST PORT COUNT: ask COUNT times, by datagrams, until the answer comes."""

import socket
import sys
import time

SENTENCE = "Wir erschrecken zu guten Zwecken!"
TIMEOUT = 0.5
TRIES = 4


def answered(my_socket: socket.socket, server: tuple[str, int], request: bytes) -> bool:
    deadline = time.monotonic() + TIMEOUT
    while (left := deadline - time.monotonic()) > 0:
        my_socket.setblocking(False)
        try:
            reply, sender = my_socket.recvfrom(1023)
        except BlockingIOError:
            time.sleep(0.001)
            continue
        if sender == server and reply == request:
            return True
    return False


def ask(my_socket: socket.socket, server: tuple[str, int], number: int) -> bool:
    """Whether the server answered this number in at most TRIES times TIMEOUT seconds."""
    request = f"{number} {SENTENCE}".encode()
    for _ in range(TRIES):
        my_socket.sendto(request, server)
        if answered(my_socket, server, request):
            return True
    return False


def main() -> int:
    server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        for number in range(1, int(sys.argv[3]) + 1):
            print(number, "answered" if ask(my_socket, server, number) else "lost")
    return 0


sys.exit(main())
