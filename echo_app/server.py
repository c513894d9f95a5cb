"""What the lab's server host runs: the stream and the datagram server, side by side.

Datagrams are answered by the main thread, streams by others. SIGTERM ends them all. When one of
the two servers fails, the program ends with an error.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from echo_app import command, datagram_server, stream_server

ECHO_PORT = 7
"""RFC 862. It is fixed here so that the host needs no /etc/services."""

CLIENTS = 8
"""Streams answered at the same time: a client that vanished must not keep others waiting."""


class Streams:
    """Answers up to `CLIENTS` streams at the same time, each until its client closes.

    Strategy: two threads wait for clients at first, and another is started whenever none waits. So
    the first client waits for no thread, and a server without streams has hardly any.
    """

    def __init__(self, my_socket: socket.socket) -> None:
        self._socket = my_socket
        self._lock = threading.Lock()
        self._threads = self._waiting = 2
        for _ in range(self._threads):
            self._start()

    def _start(self) -> None:
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        """Answer one client after another. If that fails, the whole program ends."""
        try:
            while True:
                self._answer()
        except OSError as error:
            if self._socket.fileno() >= 0:  # otherwise the program ends as it was told to
                message = f"stream server: {command.reason(error)}"
                os._exit(command.complain("server", message, command.FAILED))

    def _answer(self) -> None:
        foreign_socket, _ = self._socket.accept()
        with foreign_socket, contextlib.suppress(OSError):
            if self._is_last():
                self._start()
            stream_server.echo(foreign_socket)
        with self._lock:
            self._waiting += 1

    def _is_last(self) -> bool:
        """Whether no thread is left that waits for clients, and one more may be started."""
        with self._lock:
            self._waiting -= 1
            last = not self._waiting and self._threads < CLIENTS
            if last:
                self._threads += 1
                self._waiting += 1
            return last


def main(arguments: Sequence[str] | None = None) -> int:
    options = command.options("server", __doc__)
    options.add_argument("--verbose", action="store_true", help="print each datagram")
    chosen = options.parse_args(arguments)
    command.end_on_request()
    port = chosen.port or ECHO_PORT
    try:
        with stream_server.listen(port) as streams, datagram_server.bind(port) as datagrams:
            Streams(streams)
            answer(datagrams, quiet=not chosen.verbose)
    except OSError as error:
        return command.cannot_bind("server", error, port)


def answer(datagrams: socket.socket, *, quiet: bool) -> NoReturn:
    """Answer datagrams. If that fails, the whole program ends."""
    try:
        datagram_server.serve(datagrams, quiet)
    except OSError as error:
        message = f"datagram server: {command.reason(error)}"
        sys.exit(command.complain("server", message, command.FAILED))


if __name__ == "__main__":
    sys.exit(main())
