"""The calendar: a guest gets its time as far as it is allowed, and asks for no other moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab.kernel import calendar
from echolab.kernel.calendar import ACK, FREE_UNTIL, REQUEST, RUN, SOCKET, WAIT, Calendar


class Guest:
    """What a kernel does at the other end (include/uapi/linux/um_timetravel.h)."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(folder / SOCKET))

    def ask(self, kind: int, moment: int = 0) -> None:
        self._socket.sendall(calendar._MESSAGE.pack(kind, 1, moment))
        assert self.told()[0] == ACK

    def wait_for(self, moment: int) -> None:
        """Ask to run at a moment, and wait for it."""
        self.ask(REQUEST, moment)
        self.ask(WAIT)

    def told(self) -> tuple[int, int]:
        kind, number, moment = calendar._receive(self._socket)
        if kind != ACK:
            self._socket.sendall(calendar._MESSAGE.pack(ACK, number, 0))
        return kind, moment

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def stopped() -> threading.Event:
    return threading.Event()


@pytest.fixture
def held(tmp_path: Path, stopped: threading.Event) -> Iterator[Calendar]:
    found = Calendar(tmp_path, lambda moment: stopped.set())
    yield found
    found.close()


@pytest.fixture
def guest(tmp_path: Path, held: Calendar) -> Iterator[Guest]:
    found = Guest(tmp_path)
    held.allow(5000)
    yield found
    found.close()


def test_a_guest_that_waits_learns_until_when_it_need_not_ask(
    guest: Guest, stopped: threading.Event
) -> None:
    guest.wait_for(1000)
    assert [guest.told(), guest.told()] == [(FREE_UNTIL, 5000), (RUN, 1000)]
    assert not stopped.is_set()


def test_a_guest_that_would_go_further_waits_until_it_may(
    guest: Guest, held: Calendar, stopped: threading.Event
) -> None:
    guest.wait_for(6000)
    assert stopped.wait(10)
    held.allow(calendar.FOR_EVER)
    assert [guest.told(), guest.told()] == [(FREE_UNTIL, calendar.NEVER), (RUN, 6000)]
