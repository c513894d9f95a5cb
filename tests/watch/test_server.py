"""The server of a watched run: who may see it, and that it ends with its page."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from echolab.runs.plan import PlannedRun
from echolab.settings import Settings
from echolab.watch import page
from echolab.watch.server import Server
from echolab.watch.session import Session

pytestmark = pytest.mark.exact


class Served:
    """A server that serves in a thread of its own, and its session."""

    def __init__(self, planned: PlannedRun, out: Path, settings: Settings) -> None:
        self.sessions: list[Session] = []
        self.server = Server(
            page.draw(planned), functools.partial(self._open, planned, out, settings)
        )
        self.url = self.server.url
        self.origin = Origin(self.url.rsplit("/", 2)[0])
        self.socket = f"ws{self.url.removeprefix('http')}run"
        self.thread = threading.Thread(target=self.server.serve)
        self.thread.start()

    def _open(
        self, planned: PlannedRun, out: Path, settings: Settings, changed: Callable[[], None]
    ) -> Session:
        self.sessions.append(Session(planned, out, settings, changed))
        return self.sessions[-1]

    def close(self) -> None:
        self.server.stop()
        self.thread.join(20)
        for session in self.sessions:
            session.close()


@pytest.fixture
def served(planned: PlannedRun, out: Path, settings: Settings) -> Iterator[Served]:
    with contextlib.closing(Served(planned, out, settings)) as found:
        yield found


def test_the_page_and_its_files_are_there_for_who_knows_the_token(served: Served) -> None:
    told = httpx.get(served.url)
    assert told.status_code == 200
    assert "default-src 'none'" in told.headers["content-security-policy"]
    for name in ("main.js", "watch.css"):
        assert httpx.get(served.url + name).status_code == 200
    assert urlsplit(served.url).hostname == "127.0.0.1"


@pytest.mark.parametrize("path", ["/", "/guessed/", "/guessed/main.js", "/guessed/run"])
def test_nothing_is_there_for_who_guesses(served: Served, path: str) -> None:
    assert httpx.get(served.origin + path).status_code == 404


def test_files_beside_the_page_are_not_served(served: Served) -> None:
    assert httpx.get(served.url + "%2e%2e%2fserver.py").status_code == 404


def test_another_name_of_this_machine_is_refused(served: Served) -> None:
    told = httpx.get(served.url, headers={"Host": "evil.example"})
    assert told.status_code == 421


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://127.0.0.1:1"])
def test_the_socket_is_for_the_own_page_alone(served: Served, origin: str | None) -> None:
    own = None if origin is None else Origin(origin)
    with pytest.raises(InvalidStatus) as refused, connect(served.socket, origin=own):
        pass
    assert refused.value.response.status_code == 403


def test_the_socket_wants_the_token(served: Served) -> None:
    wrong = f"ws{served.origin.removeprefix('http')}/guessed/run"
    with pytest.raises(InvalidStatus), connect(wrong, origin=served.origin):
        pass


def _told(websocket: ClientConnection, until: float) -> list[dict[str, Any]]:
    """What a page is told until the run has come to a lab second."""
    told: list[dict[str, Any]] = []
    while not told or float(str(told[-1]["horizon"])) < until:
        told.append(json.loads(websocket.recv(timeout=60)))
    return told


def test_a_page_is_told_of_every_packet_once_and_the_server_ends_with_it(served: Served) -> None:
    with connect(served.socket, origin=served.origin) as websocket:
        told = _told(websocket, 0.0)
        assert told[0]["opening"]
        websocket.send(json.dumps({"want": 1.0, "generation": told[0]["generation"]}))
        told += _told(websocket, 1.0)
        final = {one["key"]: one for some in told for one in some["flights"]}
        assert len(final) > 10
    began = time.monotonic()
    served.thread.join(20)
    assert not served.thread.is_alive()
    assert time.monotonic() - began < 20


def test_what_is_not_valid_is_refused_with_a_reason(served: Served) -> None:
    with connect(served.socket, origin=served.origin) as websocket:
        _told(websocket, 0.0)
        deed = {"kind": "explode", "at": 1.0, "host": "client"}
        deed |= {"amount": 0.0, "target": "", "text": ""}
        deed |= {"network": "", "packet": "", "number": 0, "sent": 0.0, "since": 0.0}
        websocket.send(json.dumps({"interventions": [deed], "second": 1.0}))
        while "refused" not in (told := json.loads(websocket.recv(timeout=60))):
            pass
        assert "explode" in told["refused"]


def test_a_packet_that_is_not_there_is_refused_with_a_reason(served: Served) -> None:
    with connect(served.socket, origin=served.origin) as websocket:
        _told(websocket, 0.0)
        deed = {"kind": "drop_packet", "packet": "none", "at": 0.1, "amount": 0.0, "second": 1.0}
        websocket.send(json.dumps(deed))
        while "refused" not in (told := json.loads(websocket.recv(timeout=60))):
            pass
        assert told["refused"] == "there is no such packet"
