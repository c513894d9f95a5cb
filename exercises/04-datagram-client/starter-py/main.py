"""main HOST PORT COUNT: ask COUNT times, by datagrams, until the answer comes."""

import socket
import sys

SENTENCE = "Wir erschrecken zu guten Zwecken!"
TIMEOUT = 0.5
TRIES = 4


def ask(my_socket: socket.socket, server: tuple[str, int], number: int) -> bool:
    """Whether the server answered this number in at most TRIES times TIMEOUT seconds."""
    my_socket.sendto(f"{number} {SENTENCE}".encode(), server)
    # wait half a second for the same datagram from the server, ask up to four times
    return False


def main() -> int:
    server = socket.gethostbyname(sys.argv[1]), int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as my_socket:
        for number in range(1, int(sys.argv[3]) + 1):
            print(number, "answered" if ask(my_socket, server, number) else "lost")
    return 0


sys.exit(main())
