"""A node of Maelstrom's protocol on its host: its output lines become datagrams, and vice versa.

`python3 -m echo_app.maelstrom_node PROGRAM [WORD]...` starts the program. Each line that it writes
is a message, and each message for it becomes a line that it reads; its standard error is this
program's. At SIGTERM the program is ended, and one JSON object tells how many messages it has sent
to other nodes, to clients and to services. If the program cannot be started, ends by itself, or
writes a line that is not a message or does not fit into a datagram, this is reported on standard
error, nothing more is carried, and the exit status is 1.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections import Counter

from echo_app.maelstrom import (
    CLIENT,
    LARGEST,
    NODE,
    NODE_NOT_FOUND,
    SERVICES,
    Message,
    TooLong,
    Wire,
    failed,
)

PIECE = 65536

SHOWN = 200
"""Characters of a wrong line that are shown."""

FAILED = 1


class Wrong(Exception):
    """What the program did that a node must not do."""


class Node:
    """The program, and what goes between it and the network."""

    def __init__(self) -> None:
        self._wire = Wire(os.environ.get("HOSTNAME", ""))
        self._program: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._waiting = b""
        self.sent: Counter[str] = Counter()
        self._selector = selectors.DefaultSelector()
        self._ended, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno())
        signal.signal(signal.SIGTERM, lambda *_: None)

    def run(self, argv: list[str]) -> None:
        """Carry a program's messages until SIGTERM. Raises Wrong for what it does wrong."""
        pipe = subprocess.PIPE
        try:
            self._program = subprocess.Popen(argv, stdin=pipe, stdout=pipe, bufsize=0)
        except OSError as error:
            raise Wrong(f"cannot start {argv[0]}: {error.strerror}") from None
        assert self._program.stdin is not None and self._program.stdout is not None
        self._input, self._output = self._program.stdin, self._program.stdout
        os.set_blocking(self._input.fileno(), False)
        for file in (self._wire.socket, self._output, self._ended):
            self._selector.register(file, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._ended:
                    return
                if key.fileobj is self._output:
                    self._from_program()
                elif key.fileobj is self._input:
                    self._write()
                else:
                    self._to_program(self._wire.socket.recv(LARGEST))

    def wait(self) -> None:
        """Wait for SIGTERM."""
        self._ended.recv(1)

    def end(self) -> None:
        """End the program."""
        if self._program is not None:
            self._program.kill()
            self._program.wait()

    def _from_program(self) -> None:
        data = os.read(self._output.fileno(), PIECE)
        if not data:
            assert self._program is not None
            status = self._program.wait()
            raise Wrong(f"the program ended by itself, with status {status}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in filter(None, map(bytes.strip, lines)):
            self._send(line)

    def _send(self, line: bytes) -> None:
        message = parsed(line)
        dest = message["dest"]
        try:
            self._wire.put(dest, line)
        except TooLong as error:
            raise Wrong(str(error)) from None
        except LookupError:
            answer = failed(message["body"], NODE_NOT_FOUND, f"there is no node {dest}")
            if answer["in_reply_to"] is not None:
                whole = {"src": dest, "dest": message.get("src"), "body": answer}
                self._to_program(json.dumps(whole).encode())
            return
        self.sent[kind_of(dest)] += 1

    def _to_program(self, line: bytes) -> None:
        if not self._waiting:
            self._selector.register(self._input, selectors.EVENT_WRITE)
        self._waiting += line + b"\n"

    def _write(self) -> None:
        """Write what the program's pipe has room for: it may be writing itself."""
        try:
            count = os.write(self._input.fileno(), self._waiting)
        except BlockingIOError:
            return
        except BrokenPipeError:
            count = len(self._waiting)  # its end is about to be seen
        self._waiting = self._waiting[count:]
        if not self._waiting:
            self._selector.unregister(self._input)


def kind_of(name: str) -> str:
    """The kind of a host by its name: a node, a client or a service."""
    if NODE.fullmatch(name):
        return "nodes"
    return "clients" if CLIENT.fullmatch(name) else "services" if name in SERVICES else "others"


def parsed(line: bytes) -> Message:
    """The message in a line. Raises Wrong if it is not one."""
    with contextlib.suppress(ValueError):
        message = json.loads(line)
        if (
            isinstance(message, dict)
            and isinstance(message.get("dest"), str)
            and isinstance(message.get("body"), dict)
        ):
            return message
    shown = line[:SHOWN].decode(errors="replace")
    raise Wrong(f"what the program wrote is not a message with dest and body: {shown}")


def main() -> int:
    """Start the program and carry its messages; the exit status."""
    node, status = Node(), 0
    try:
        node.run(sys.argv[1:])
    except Wrong as error:
        print(error, file=sys.stderr, flush=True)
        node.end()
        node.wait()
        status = FAILED
    node.end()
    print(json.dumps(node.sent), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
