"""The datagram server: each packet names its sender and its receiver, and goes straight back."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from echo_app import command

LARGEST = 65535  # bytes; a datagram larger than the buffer would be truncated silently
IP_PKTINFO = 8  # <linux/in.h>; not in the socket module of Python 3.11
PKTINFO_BYTES = 12  # struct in_pktinfo: interface, local address, receiver address


def bind(port: int | None) -> socket.socket:
    """A socket that receives datagrams on every address of this host. Raises OSError."""
    my_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    my_socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    # A large buffer keeps a burst from being lost in the server; net.core.rmem_max limits it.
    my_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    my_socket.bind(("", port or socket.getservbyname("echo", "udp")))  # "" is INADDR_ANY
    return my_socket


def serve(my_socket: socket.socket, quiet: bool) -> NoReturn:
    """Send each datagram back. One that cannot be answered does not end the server."""
    port = my_socket.getsockname()[1]
    space = socket.CMSG_SPACE(PKTINFO_BYTES)
    while True:
        message, ancillary, _, sender = my_socket.recvmsg(LARGEST, space)
        receiver = socket.inet_ntoa(ancillary[0][2][8:12])
        if not quiet:
            route = f"{sender[0]}:{sender[1]} -> {receiver}:{port}"
            print(f"{route}  {len(message)} bytes", flush=True)
        try:
            # From the receiver's address, by whatever interface leads to the sender.
            chosen = bytes(4) + ancillary[0][2][4:8] + bytes(4)
            my_socket.sendmsg([message], [(socket.IPPROTO_IP, IP_PKTINFO, chosen)], 0, sender)
        except OSError as error:
            print(f"no answer to {sender[0]}:{sender[1]}: {error.strerror}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    options = command.options("datagram_server", __doc__)
    options.add_argument("--quiet", action="store_true", help="do not print each packet")
    chosen = options.parse_args(arguments)
    command.end_on_request()
    try:
        my_socket = bind(chosen.port)
    except OSError as error:
        return command.cannot_bind("datagram_server", error, chosen.port)
    with my_socket:
        serve(my_socket, chosen.quiet)


if __name__ == "__main__":
    sys.exit(main())
