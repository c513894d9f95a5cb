"""Messages to the kernel's routing tables: their layout, and the kernel's own answers."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.engines.namespaces import linux, rtnetlink

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@given(st.integers(0, 0xFFFF), st.binary(max_size=200))
def test_an_attribute_says_its_length_and_fills_up_to_four_bytes(kind: int, value: bytes) -> None:
    packed = rtnetlink.attribute(kind, value)
    length, found = struct.unpack_from("=HH", packed)
    assert (length, found) == (4 + len(value), kind)
    assert packed[4:length] == value
    assert len(packed) % 4 == 0 and set(packed[length:]) <= {0}


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 4095), st.binary(max_size=40))))
def test_acknowledgements_are_read_back_in_their_order(
    answers: list[tuple[int, int, bytes]],
) -> None:
    data = b""
    for sequence, number, rest in answers:
        body = struct.pack("=i", -number) + rest
        data += struct.pack("=IHHII", 16 + len(body), rtnetlink.NLMSG_ERROR, 0, sequence, 0) + body
        data += bytes(-len(data) % 4)
    found = list(rtnetlink.acknowledgements(data))
    assert found == [(sequence, number) for sequence, number, _ in answers]


@given(st.binary(max_size=300))
def test_what_is_no_netlink_is_refused_or_ends(data: bytes) -> None:
    try:
        assert len(list(rtnetlink.acknowledgements(data))) <= len(data) // 16 + 1
    except OSError as error:
        assert error.errno == errno.EBADMSG
    except struct.error:
        pytest.fail("read behind the end")


def in_new_namespace(work: Callable[[], None]) -> int:
    """The status of a child that did the work in a network namespace of its own."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            linux.unshare(linux.CLONE_NEWNET)
            work()
            status = 0
        except OSError as error:
            status = error.errno or 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@as_root
def test_the_kernel_takes_devices_addresses_and_neighbours() -> None:
    def work() -> None:
        with rtnetlink.Netlink() as link:
            link.send(
                (
                    rtnetlink.bridge("br0", 50),
                    rtnetlink.address(50, "10.1.2.3", 16),
                    *(
                        rtnetlink.neighbour(50, f"10.1.3.{n}", f"02:00:00:00:00:{n:02x}")
                        for n in range(250)
                    ),
                )
            )
        table = Path("/proc/thread-self/net/arp").read_text()
        assert len(table.splitlines()) == 251

    assert in_new_namespace(work) == 0


@as_root
def test_the_first_message_that_fails_is_the_one_that_is_told() -> None:
    def work() -> None:
        with rtnetlink.Netlink() as link:
            link.send((rtnetlink.bridge("b0", 51), rtnetlink.up(77), rtnetlink.bridge("b0", 51)))

    assert in_new_namespace(work) == errno.ENODEV
