"""The channels alone, where a probe would meet the moment only by chance."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest

from echo_app import pacing
from echo_app.channel import StreamChannel, describe
from echo_app.message import Framing

SECOND = 1_000_000_000
FRAMING = Framing(1, 64)


@pytest.fixture
def pair() -> Iterator[tuple[StreamChannel, socket.socket]]:
    """A connected stream channel and the server's end of it."""
    with socket.socket() as listener, contextlib.ExitStack() as cleanup:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        channel = StreamChannel(listener.getsockname(), 0, FRAMING)
        cleanup.callback(channel.close)
        assert pacing.establish(channel, 10 * SECOND)
        server, _ = listener.accept()
        with server:
            yield channel, server


def test_replies_that_came_before_a_reset_are_read_although_sending_fails(
    pair: tuple[StreamChannel, socket.socket],
) -> None:
    """The send that meets the reset ends sending alone; reading meets the end by itself."""
    channel, server = pair
    channel.offer(0)
    server.sendall(server.recv(64))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    for number in (1, 2):
        channel.offer(number)
    assert not channel.ended
    assert [reply.number for reply in channel.receive()] == [0]
    channel.receive()
    assert channel.ended in ("Connection reset by peer", "Broken pipe")


def test_a_stream_channel_does_not_hold_messages_back(
    pair: tuple[StreamChannel, socket.socket],
) -> None:
    """No Nagle: a message leaves although the one before is not acknowledged yet."""
    channel, _ = pair
    assert channel.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_the_kernel_does_not_take_is_kept_and_sent_later(
    pair: tuple[StreamChannel, socket.socket],
) -> None:
    """More messages than the buffers hold: all arrive, whole and in order."""
    channel, server = pair
    count = 200_000
    for number in range(count):
        channel.offer(number)
    assert channel.blocked
    server.setblocking(False)
    arrived = bytearray()
    while len(arrived) < count * 64:
        with contextlib.suppress(BlockingIOError):
            arrived += server.recv(1 << 20)
        channel.resume()
    assert not channel.blocked
    assert arrived == b"".join(map(FRAMING.pack, range(count)))


def test_errors_of_this_host_and_of_icmp_are_told_apart() -> None:
    """Origin 2 is ICMP and names the router; origin 1 is this host's own stack."""
    offender = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("10.1.2.3"))
    by_icmp = struct.pack("=IBBBBII", 113, 2, 3, 1, 0, 0, 0) + offender
    assert describe(by_icmp) == "No route to host (ICMP type 3 code 1 from 10.1.2.3)"
    local = struct.pack("=IBBBBII", 90, 1, 0, 0, 0, 1500, 0) + offender
    assert describe(local) == "Message too long"
