"""Whether this host's echo server answers: a real stream and a real datagram exchange.

`python3 -m echo_app.health [--port N]` exits with status 0 if both came back, otherwise 1.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from echo_app import command

ADDRESS = "127.0.0.1"
ECHO_PORT = 7
TIMEOUT = 2.0  # seconds, for each step of an exchange
MESSAGE = b"echo_app.health"


def answers(kind: socket.SocketKind, port: int) -> bool:
    """Whether one message comes back over a stream or as a datagram. Raises OSError."""
    with socket.socket(socket.AF_INET, kind) as my_socket:
        my_socket.settimeout(TIMEOUT)
        my_socket.connect((ADDRESS, port))
        my_socket.send(MESSAGE)
        reply = my_socket.recv(len(MESSAGE))
        while kind is socket.SOCK_STREAM and 0 < len(reply) < len(MESSAGE):
            piece = my_socket.recv(len(MESSAGE) - len(reply))
            if not piece:
                break
            reply += piece
        return reply == MESSAGE


def main(arguments: Sequence[str] | None = None) -> int:
    port = command.options("health", __doc__).parse_args(arguments).port or ECHO_PORT
    for name, kind in (("stream", socket.SOCK_STREAM), ("datagram", socket.SOCK_DGRAM)):
        try:
            healthy = answers(kind, port)
            why = "the reply is not what was sent"
        except OSError as error:
            healthy, why = False, command.reason(error)
        if not healthy:
            message = f"no {name} echo from {ADDRESS} port {port}: {why}"
            return command.complain("health", message, command.FAILED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
