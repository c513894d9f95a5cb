"""Packets are taken many at a time, each whole, in order, with the kernel's time of it."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Iterator

import pytest

from echolab.engines.namespaces.capture import SO_TIMESTAMPNS
from echolab.engines.namespaces.recvmmsg import AT_ONCE, Batch


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind(("127.0.0.1", 0))
        yield made


def send(receiver: socket.socket, datagrams: list[bytes]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, receiver.getsockname())


def test_what_waits_is_taken_in_order_and_no_call_takes_more_than_a_batch(
    receiver: socket.socket,
) -> None:
    sent = [bytes([number]) * (number + 1) for number in range(AT_ONCE + 7)]
    send(receiver, sent)
    batch = Batch()
    first = batch.take(receiver.fileno())
    second = batch.take(receiver.fileno())
    assert [len(first), len(second)] == [AT_ONCE, 7]
    assert [data for _, _, data in (*first, *second)] == sent
    assert batch.take(receiver.fileno()) == ()


def await_stamps(receiver: socket.socket, batch: Batch) -> None:
    """Send packets until the kernel stamps them as they come, and not only as they are taken.

    It begins to in a work queue, some time after a socket has asked for it (net/core/dev.c,
    net_enable_timestamp).
    """
    for _ in range(100_000):
        send(receiver, [b"?"])
        sent = time.time_ns()
        ((s, ns, _),) = batch.take(receiver.fileno())
        if s * 10**9 + ns <= sent:
            return
    pytest.fail("the kernel stamps no packet as it comes")


def test_each_packet_has_the_kernels_time_of_it(receiver: socket.socket) -> None:
    batch = Batch()
    await_stamps(receiver, batch)
    before = time.time_ns()
    send(receiver, [b"a"])
    send(receiver, [b"b"])
    after = time.time_ns()
    times = [s * 10**9 + ns for s, ns, _ in batch.take(receiver.fileno())]
    assert before <= times[0] < times[1] <= after


def test_the_largest_datagram_comes_whole_and_a_small_one_after_it_is_small(
    receiver: socket.socket,
) -> None:
    large = bytes(range(256)) * 256
    batch = Batch()
    for sent in (large[:65472], b"x"):
        send(receiver, [sent])
        assert [data for _, _, data in batch.take(receiver.fileno())] == [sent]


def test_an_error_of_the_socket_is_raised(receiver: socket.socket) -> None:
    descriptor = receiver.fileno()
    with contextlib.closing(receiver):
        pass
    with pytest.raises(OSError, match="recvmmsg") as caught:
        Batch().take(descriptor)
    assert caught.value.errno == errno.EBADF
