"""Standard input, output and error of a process in a container, over one connection.

The daemon's protocol: POST /containers/{id}/attach and /exec/{id}/start of the Docker
Engine API, "Stream format".
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import docker
from docker.errors import ImageNotFound

STDOUT = 1
STDERR = 2

HEADER = struct.Struct(">BxxxI")
"""Each frame: which stream, three zero bytes, the length of what follows."""


class Stream:
    """One attached connection: `send` to the process, `frames` from it."""

    def __init__(self, response: Any) -> None:
        """Take over the connection of an HTTP response of status 101.

        Strategy: the first output may arrive in the same packet as the response's header; then it
        waits in the buffered reader that parsed the header. So reading continues from that reader,
        and only writing uses the socket below it. The `docker` package returns the bare socket and
        would lose those bytes.
        """
        self._response = response
        self._reader = response.raw._fp.fp
        self._socket: socket.socket = self._reader.raw._sock
        self._sending = threading.Lock()
        self._socket.settimeout(None)

    def send(self, data: bytes) -> None:
        """Write to standard input. Raises OSError if the process is gone."""
        with self._sending:
            self._socket.sendall(data)

    def end_input(self) -> None:
        """Close standard input; output still arrives."""
        with self._sending, contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Pieces of output, each with STDOUT or STDERR, until the process closes both."""
        while True:
            header = self._exactly(HEADER.size)
            if len(header) < HEADER.size:
                return
            which, length = HEADER.unpack(header)
            yield which, self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        try:
            data: bytes = self._reader.read(length)
        except (OSError, ValueError):
            return b""
        return data

    def close(self) -> None:
        """Close the connection; a reader in another thread then ends."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._response.close()


class Api(docker.APIClient):
    """The daemon's API, with the whole response instead of the package's bare socket."""

    def _get_raw_response_socket(self, response: Any) -> Any:
        self._raise_for_status(response)  # type: ignore[attr-defined]  # not in the stubs
        return response

    def run_attached(self, exec_id: str) -> Stream:
        """Start an exec that has been created, attached."""
        return Stream(self.exec_start(exec_id, socket=True))

    def attach_to(self, container: str) -> Stream:
        """Attach to a container that has been created and is about to start."""
        params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        return Stream(self.attach_socket(container, params=params))

    def create_as(self, name: str, config: Mapping[str, object]) -> str:
        """Create a container of that name from its whole configuration; return its identity."""
        url = self._url("/containers/create")  # type: ignore[attr-defined]  # not in the stubs
        posted = self._post_json(url, data=config, params={"name": name})  # type: ignore[attr-defined]
        self._raise_for_status(posted)  # type: ignore[attr-defined]
        return str(posted.json()["Id"])

    def image_id(self, name: str) -> str | None:
        """The identity of an image; None if the daemon does not have it."""
        try:
            found = self.inspect_image(name)  # type: ignore[no-untyped-call]  # not in the stubs
        except ImageNotFound:
            return None
        return str(found["Id"])
