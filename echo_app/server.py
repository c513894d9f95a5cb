"""What the lab's server host runs: the stream and the datagram server, side by side.

A small parent has two child processes. It ends both when it gets SIGTERM. It ends with
an error when one of them dies.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence

from echo_app import command, datagram_server, stream_server

ECHO_PORT = 7
"""RFC 862. It is fixed here so that the host needs no /etc/services."""

CLIENTS = 8
"""Streams answered at the same time: a client that vanished must not keep others waiting."""


class Children:
    """The child processes of this program, by process ID; `close` ends them all."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._lifeline, self._held = os.pipe()

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Fork a child that does `work`. It ends when this process ends, for whatever reason.

        Strategy: SIGTERM is blocked from before the fork until the child has reset its
        handler and the parent has noted the child. So no SIGTERM is lost, and none runs
        the parent's clean-up inside a child.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            child = os.fork()
            if child == 0:
                self._be(name, work)
            self._names[child] = name
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _be(self, name: str, work: Callable[[], None]) -> None:
        """Run the child; never return into the parent's code."""
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            os.close(self._held)
            threading.Thread(target=self._follow, daemon=True).start()
            work()
        except OSError as error:
            command.complain("server", f"{name}: {command.reason(error)}", command.FAILED)
        finally:
            os._exit(command.FAILED)

    def _follow(self) -> None:
        """Wait for the parent to end, which closes the other end of the pipe."""
        os.read(self._lifeline, 1)
        os._exit(command.FAILED)

    def wait(self) -> str:
        """Wait for a child to end; return its name."""
        child, _ = os.wait()
        return self._names.pop(child, "child")

    def close(self) -> None:
        """End every child and wait for it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        for child in self._names:
            os.kill(child, signal.SIGTERM)
        while self._names:
            self._names.popitem()
            with contextlib.suppress(ChildProcessError):
                os.wait()


def serve_streams(my_socket: socket.socket) -> None:
    """Answer up to `CLIENTS` streams at the same time, each until its client closes."""
    for _ in range(CLIENTS - 1):
        threading.Thread(target=stream_server.serve, args=(my_socket, True), daemon=True).start()
    stream_server.serve(my_socket, until_close=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = command.options("server", __doc__)
    options.add_argument("--verbose", action="store_true", help="print each datagram")
    chosen = options.parse_args(arguments)
    command.end_on_request()
    port = chosen.port or ECHO_PORT
    children = Children()
    try:
        with stream_server.listen(port) as streams, datagram_server.bind(port) as datagrams:
            children.start("stream server", lambda: serve_streams(streams))
            children.start(
                "datagram server", lambda: datagram_server.serve(datagrams, not chosen.verbose)
            )
        name = children.wait()
        return command.complain("server", f"the {name} ended, so both end", command.FAILED)
    except OSError as error:
        return command.cannot_bind("server", error, port)
    finally:
        children.close()


if __name__ == "__main__":
    sys.exit(main())
