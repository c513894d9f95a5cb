"""A socket is a file descriptor: the stream client's exchange with read, write and close alone."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

from echo_app import command

MAXPUF = 1023
SENTENCE = "Wir erschrecken zu guten Zwecken!"


def connect(host: str, port: int | None) -> int:
    """The descriptor of a connection to the echo service of `host`. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0) as my_socket:
        address = socket.gethostbyname(host)
        my_socket.connect((address, port or socket.getservbyname("echo", "tcp")))
        return my_socket.detach()


def exchange(descriptor: int) -> bytes:
    """Write the buffer, read until it is back or the peer closes, then close. Raises OSError."""
    puffer = SENTENCE.encode().ljust(MAXPUF, b"\0")
    try:
        while puffer:
            puffer = puffer[os.write(descriptor, puffer) :]
        reply = b""
        while len(reply) < MAXPUF:
            piece = os.read(descriptor, MAXPUF - len(reply))
            if not piece:
                break  # the peer closed: end of file
            reply += piece
        return reply
    finally:
        os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> int:
    options = command.client_options("descriptor_client", __doc__)
    chosen = options.parse_args(arguments)
    command.end_on_request()
    try:
        reply = exchange(connect(chosen.host, chosen.port))
    except (OSError, UnicodeError) as error:
        return command.cannot_reach("descriptor_client", error, chosen.host)
    if len(reply) < MAXPUF:
        message = f"{chosen.host} closed after {len(reply)} of {MAXPUF} bytes"
        return command.complain("descriptor_client", message, command.FAILED)
    print(reply.partition(b"\0")[0].decode(errors="replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
