"""TCP_INFO as this kernel gives it, against what ss(8) or the connection itself shows."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator

import pytest

from echo_app import tcp_info


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    """A client's connection over loopback that has exchanged a little."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()) as client:
            server, _ = listener.accept()
            with server:
                for _ in range(5):
                    client.sendall(b"x" * 100)
                    server.sendall(server.recv(100))
                    client.recv(100)
                yield client


def test_it_agrees_with_ss(connection: socket.socket) -> None:
    """State, window, round trip and variance are those that iproute2 reads from the kernel."""
    if shutil.which("ss") is None:
        pytest.skip("ss is not here (Debian: iproute2)")
    host, port = connection.getsockname()
    command = ["ss", "-tinO", "state", "established", "src", f"{host}:{port}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    found = re.search(r"rtt:([\d.]+)/([\d.]+) .*cwnd:(\d+)", shown)
    assert found, shown
    info = tcp_info.read(connection)
    assert info.state == "ESTABLISHED"
    assert abs(info.smoothed_rtt * 1000 - float(found[1])) < 0.001
    assert abs(info.rtt_variance * 1000 - float(found[2])) < 0.001
    assert info.congestion_window == int(found[3])
    assert info.retransmits == 0


def test_states_have_the_kernels_numbers(connection: socket.socket) -> None:
    """A socket that listens and one that is half closed say so."""
    connection.shutdown(socket.SHUT_WR)
    assert tcp_info.read(connection).state in ("FIN-WAIT-1", "FIN-WAIT-2")
    with socket.socket() as listener:
        assert tcp_info.read(listener).state == "CLOSED"
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert tcp_info.read(listener).state == "LISTEN"


def test_each_field_stands_where_the_kernel_header_has_it() -> None:
    """A struct filled with its own offsets gives them back; what is appended is ignored."""
    data = bytes([4]) + bytes(7) + struct.pack("=24I", *range(8, 104, 4)) + bytes(100)
    assert tcp_info.parse(data) == tcp_info.TcpInfo(
        retransmits=100,
        smoothed_rtt=68e-6,
        rtt_variance=72e-6,
        congestion_window=80,
        state="FIN-WAIT-1",
    )


def test_a_state_of_a_later_kernel_is_shown_by_number() -> None:
    """An unknown state is not an error."""
    assert tcp_info.parse(bytes([77]) + bytes(103)).state == "state 77"
