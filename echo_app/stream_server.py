"""The lecture's stream server: accept, receive once (or until the peer closes), send it back."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from echo_app import command

MAXPUF = 1023


def listen(port: int | None) -> socket.socket:
    """A socket that listens on every address of this host. Raises OSError."""
    my_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    my_socket.bind(("", port or socket.getservbyname("echo", "tcp")))  # "" is INADDR_ANY
    my_socket.listen(5)
    return my_socket


def serve(my_socket: socket.socket, until_close: bool) -> NoReturn:
    """Answer one client after another. A reset ends only that client's connection."""
    while True:
        foreign_socket, _ = my_socket.accept()
        with foreign_socket, contextlib.suppress(OSError):
            if not until_close:
                foreign_socket.send(foreign_socket.recv(MAXPUF))
            else:
                echo(foreign_socket)


def echo(foreign_socket: socket.socket) -> None:
    """Send back everything until the peer closes, each piece at once."""
    foreign_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while message := foreign_socket.recv(65536):
        foreign_socket.sendall(message)


def main(arguments: Sequence[str] | None = None) -> int:
    options = command.options("stream_server", __doc__)
    options.add_argument(
        "--until-close", action="store_true", help="echo until the client closes (RFC 862)"
    )
    chosen = options.parse_args(arguments)
    command.end_on_request()
    try:
        my_socket = listen(chosen.port)
    except OSError as error:
        return command.cannot_bind("stream_server", error, chosen.port)
    with my_socket:
        serve(my_socket, chosen.until_close)


if __name__ == "__main__":
    sys.exit(main())
