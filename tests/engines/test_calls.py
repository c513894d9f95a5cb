"""Calls: messages of any length pass whole, in turns, and an end is told."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from echolab.engines.calls import MOST, Asker, Caller, Ended, over_socket


@pytest.fixture
def ends() -> Iterator[tuple[Asker, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with contextlib.closing(Asker(ours)) as asker, theirs:
        yield asker, theirs


def never() -> bool:
    return False


def echo(end: socket.socket) -> None:
    """Be a lab that answers each request with itself, until nobody asks."""
    call = Caller(over_socket(end))
    said = '"ready"'
    with contextlib.suppress(Ended, OSError):
        while True:
            said = json.dumps(call(said))


@pytest.mark.parametrize("length", [0, 1, MOST - 3, MOST - 2, MOST - 1, 2 * MOST, 10**6])
def test_a_message_of_any_length_passes_whole_in_both_directions(
    ends: tuple[Asker, socket.socket], length: int
) -> None:
    asker, theirs = ends
    lab = threading.Thread(target=echo, args=(theirs,))
    lab.start()
    assert asker.first(never) == "ready"
    for text in ("x" * length, "ü" * (length // 6)):
        assert asker(json.dumps(text), never) == text
    asker.shut()
    lab.join(10)


def test_a_lab_that_is_gone_is_told(ends: tuple[Asker, socket.socket]) -> None:
    asker, theirs = ends
    theirs.close()
    with pytest.raises(Ended) as raised:
        asker.first(never)
    assert not raised.value.late


def test_a_lab_that_is_late_is_told(ends: tuple[Asker, socket.socket]) -> None:
    asker, _ = ends
    with pytest.raises(Ended) as raised:
        asker.first(lambda: True)
    assert raised.value.late


def test_a_lab_learns_that_nobody_asks_any_more(ends: tuple[Asker, socket.socket]) -> None:
    asker, theirs = ends
    asker.shut()
    with pytest.raises((Ended, OSError)):
        Caller(over_socket(theirs))("1")
