"""The datagram client: no connection; one packet out, and one back or none."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from echo_app import command

MAXPUF = 1023
SENTENCE = "Wir erschrecken zu guten Zwecken!"


def exchange(host: str, port: int | None, timeout: float) -> bytes:
    """Send one datagram and return the one that came back. Raises OSError."""
    puffer = SENTENCE.encode().ljust(MAXPUF, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0) as my_socket:
        address = socket.gethostbyname(host)
        # This sends no packet: it sets the only sender whose datagrams are received.
        my_socket.connect((address, port or socket.getservbyname("echo", "udp")))
        my_socket.settimeout(timeout)
        my_socket.send(puffer)
        return my_socket.recv(MAXPUF)


def main(arguments: Sequence[str] | None = None) -> int:
    options = command.client_options("datagram_client", __doc__)
    options.add_argument("--timeout", type=command.seconds, default=1.0, metavar="SECONDS")
    chosen = options.parse_args(arguments)
    command.end_on_request()
    try:
        reply = exchange(chosen.host, chosen.port, chosen.timeout)
    except TimeoutError:
        message = f"the datagram to {chosen.host} was not answered within {chosen.timeout:g} s"
        return command.complain("datagram_client", message, command.FAILED)
    except (OSError, UnicodeError) as error:
        return command.cannot_reach("datagram_client", error, chosen.host)
    print(reply.partition(b"\0")[0].decode(errors="replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
