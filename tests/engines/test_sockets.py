"""The kernel's tables of sockets: recorded ones, made ones, and this machine's own."""

from __future__ import annotations

import dataclasses
import functools
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab import resources
from echolab.engines import sockets
from echolab.engines.sockets import Socket
from echolab.errors import BadInput

RECORDED = resources.ROOT / "tests" / "recorded"


def recorded(path: str) -> str:
    """The table that Linux 6.18 showed: tests/recorded/proc-net-*.txt."""
    return (RECORDED / f"proc-net-{path.removeprefix('/proc/net/')}.txt").read_text("ascii")


def without_ipv6(path: str) -> str:
    if path.endswith("6"):
        raise BadInput(f"cannot read {path}")
    return recorded(path)


def own(path: str) -> str:
    return Path(path).read_text(encoding="ascii")


def test_streams_and_their_states_are_those_that_the_kernel_had() -> None:
    found = [dataclasses.replace(one, loopback=False) for one in sockets.of_host(recorded, "tcp")]
    assert found == [
        Socket(7, "LISTEN"),
        Socket(7, "ESTABLISHED"),
        Socket(0xE5CA, "ESTABLISHED"),
        Socket(0xCCCE, "ESTABLISHED"),
        Socket(8080, "LISTEN"),
        Socket(9090, "LISTEN"),
        Socket(8080, "ESTABLISHED"),
    ]


def test_a_listener_is_seen_on_either_family_and_on_both() -> None:
    assert list(sockets.serving(recorded, "tcp")) == [7, 8080, 9090]


def test_a_datagram_socket_with_a_peer_serves_nobody() -> None:
    assert list(sockets.serving(recorded, "udp")) == [7, 5353]


def test_a_listener_on_the_loopback_device_serves_no_other_host() -> None:
    head, listening = "heading\n", "  0: {}:0007 00000000:0000 0A 0\n"
    for address, serves in (
        ("0100007F", False),
        ("0B00007F", False),
        ("0200070A", True),
        ("00000000", True),
        ("0" * 24 + "01000000", False),
        ("0" * 32, True),
    ):
        tables = {"/proc/net/tcp": head + listening.format(address)}
        read = functools.partial(reading, tables, head)
        assert sockets.serves(read) is serves


def reading(tables: Mapping[str, str], otherwise: str, path: str) -> str:
    return tables.get(path, otherwise)


def test_a_kernel_without_ipv6_has_the_other_table_alone() -> None:
    assert list(sockets.serving(without_ipv6, "tcp")) == [7]


def test_a_kernel_without_any_table_is_an_error() -> None:
    def nothing(path: str) -> str:
        raise BadInput(f"cannot read {path}")

    with pytest.raises(BadInput, match="cannot read /proc/net/tcp"):
        list(sockets.serving(nothing, "tcp"))


def test_an_unknown_protocol_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no sockets of 'sctp'; choose tcp, udp"):
        list(sockets.serving(recorded, "sctp"))


def written(kept: list[Socket], digits: int) -> str:
    """The table as the kernel writes it (get_tcp4_sock, net/ipv4/tcp_ipv4.c)."""
    lines = ["  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"]
    for number, one in enumerate(kept):
        state = sockets.STATES.index(one.state) + 1
        address = "0" * digits
        lines.append(
            f"{number:4}: {address}:{one.port:04X} {address}:0000 {state:02X} "
            "00000000:00000000 00:00000000 00000000     0        0 4711 1 0000 100 0 0 10 0"
        )
    return "".join(f"{line:<149}\n" for line in lines)


tables = st.lists(
    st.builds(Socket, st.integers(0, 65535), st.sampled_from(sockets.STATES)), max_size=20
)


@given(tables, st.sampled_from([8, 32]))
def test_what_the_kernel_writes_is_read(kept: list[Socket], digits: int) -> None:
    assert list(sockets.parse(written(kept, digits))) == kept


def test_who_waits_for_clients_is_seen_in_this_kernels_own_tables() -> None:
    kinds: dict[str, Callable[[], socket.socket]] = {
        "IPv4": lambda: socket.create_server(("127.0.0.1", 0)),
        "IPv6": lambda: socket.create_server(("::1", 0), family=socket.AF_INET6),
        "both": lambda: socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True),
    }
    for kind, make in kinds.items():
        with make() as server:
            port = server.getsockname()[1]
            assert port in sockets.serving(own, "tcp"), kind
        assert port not in sockets.serving(own, "tcp"), kind
