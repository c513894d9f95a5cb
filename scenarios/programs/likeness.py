"""What a file and a socket have in common and what not: `likeness.py HOST` prints both."""

import errno
import json
import os
import select
import socket
import stat
import sys
from collections.abc import Callable

TEXT = b"Wir erschrecken zu guten Zwecken!"
ECHO = 7


def outcome(call: Callable[[], object]) -> str:
    """`done`, or the name of the error with which the call failed."""
    try:
        call()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    return "done"


def examine(descriptor: int, rewind: bool) -> dict[str, object]:
    """Write to a descriptor, read back, close it, and try what only files can do."""
    facts: dict[str, object] = {
        "descriptor": descriptor,
        "kind": "socket" if stat.S_ISSOCK(os.fstat(descriptor).st_mode) else "file",
        "written": os.write(descriptor, TEXT),
    }
    if rewind:
        os.lseek(descriptor, 0, os.SEEK_SET)
    facts["read"] = os.read(descriptor, 1023).decode()
    facts["seek"] = outcome(lambda: os.lseek(descriptor, 0, os.SEEK_SET))
    facts["read at an offset"] = outcome(lambda: os.pread(descriptor, 1, 0))
    if rewind:
        os.lseek(descriptor, 0, os.SEEK_END)
    readable, _, _ = select.select([descriptor], [], [], 0.5)
    facts["more to read"] = "end of file" if readable else "wait for the peer"
    facts["open by name"] = outcome(
        lambda: os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR))
    )
    os.close(descriptor)
    facts["read when closed"] = outcome(lambda: os.read(descriptor, 1))
    return facts


def connected(host: str) -> int:
    """The descriptor of a connection to the echo service."""
    my_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    my_socket.connect((host, ECHO))
    return my_socket.detach()


def main(host: str) -> None:
    path = f"/tmp/likeness-{os.getpid()}"  # noqa: S108
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.unlink(path)  # noqa: PTH108
    file = examine(descriptor, rewind=True)
    print(json.dumps({"file": file, "socket": examine(connected(host), rewind=False)}))


main(sys.argv[1])
