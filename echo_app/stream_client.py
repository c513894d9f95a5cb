"""The lecture's stream client: connect, send a sentence, receive it back, print it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from echo_app import command

MAXPUF = 1023
SENTENCE = "Wir erschrecken zu guten Zwecken!"


def exchange(host: str, port: int | None) -> bytes:
    """Send the buffer of 1023 bytes and return what came back. Raises OSError."""
    puffer = SENTENCE.encode().ljust(MAXPUF, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as my_socket:
        address = socket.gethostbyname(host)
        my_socket.connect((address, port or socket.getservbyname("echo", "tcp")))
        my_socket.sendall(puffer)
        reply = b""
        while len(reply) < MAXPUF:  # one recv may return less than one send took
            piece = my_socket.recv(MAXPUF - len(reply))
            if not piece:
                break  # the peer closed
            reply += piece
        return reply


def main(arguments: Sequence[str] | None = None) -> int:
    options = command.client_options("stream_client", __doc__)
    chosen = options.parse_args(arguments)
    command.end_on_request()
    try:
        reply = exchange(chosen.host, chosen.port)
    except (OSError, UnicodeError) as error:
        return command.cannot_reach("stream_client", error, chosen.host)
    if len(reply) < MAXPUF:
        message = f"{chosen.host} closed after {len(reply)} of {MAXPUF} bytes"
        return command.complain("stream_client", message, command.FAILED)
    print(reply.partition(b"\0")[0].decode(errors="replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
