"""The stream probes against servers that split, join, delay, reset and garble."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

from tests.echo_app.interfaces import Measure, ServeStreams


def reset(connection: socket.socket) -> None:
    """Close a connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def exactly(connection: socket.socket, size: int) -> bytes:
    """That many bytes, or fewer where the peer closed."""
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)


def test_a_faithful_server_answers_everything_over_one_connection(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """One connection, every message delivered in order, TCP_INFO of a calm connection."""
    connections = []

    def count(connection: socket.socket) -> None:
        connections.append(connection)
        echo(connection)

    outcome = measure(stream_server(count), "tcp", count=50, interval=0.001, size=200)
    assert len(connections) == 1
    assert outcome.fates() == ["delivered"] * 50
    assert [one["order"] for one in outcome.exchanges] == list(range(50))
    (info,) = outcome.named("tcp_info")
    assert info["retransmits"] == outcome.end["retransmits"] == 0
    assert info["state"] == "ESTABLISHED"
    assert info["congestion_window"] >= 2
    assert 0 < info["smoothed_rtt"] < 1
    assert info["rtt_variance"] > 0


def test_the_schedule_of_a_stream_begins_when_it_is_connected(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """No message leaves before the connection is up; each leaves at its own time after it."""
    outcome = measure(stream_server(echo), "tcp", count=20, interval=0.005)
    (connected,) = outcome.named("connected")
    assert connected["at"] == connected["seconds"]
    for one in outcome.exchanges:
        assert one["sent"] >= connected["at"] + one["number"] * 0.005 - 1e-9


@pytest.mark.parametrize("piece", [1, 7, 99])
def test_split_replies_are_put_together(
    stream_server: ServeStreams, measure: Measure, piece: int
) -> None:
    """A server that sends its replies in pieces of any size loses no message."""

    def dribble(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := connection.recv(65536):
            for start in range(0, len(data), piece):
                connection.sendall(data[start : start + piece])

    outcome = measure(stream_server(dribble), "tcp", count=10, size=100, interval=0.001)
    assert outcome.fates() == ["delivered"] * 10


def test_joined_replies_are_cut_apart(stream_server: ServeStreams, measure: Measure) -> None:
    """Twenty replies in one write are twenty replies, each with its own latency."""

    def collect(connection: socket.socket) -> None:
        connection.sendall(exactly(connection, 20 * 33))
        echo(connection)

    outcome = measure(stream_server(collect), "tcp", count=20, size=33, interval=0.005)
    assert outcome.fates() == ["delivered"] * 20
    latencies = [one["latency"] for one in outcome.exchanges]
    assert latencies == sorted(latencies, reverse=True), "the first waited longest"
    assert latencies[0] > 0.09 > latencies[-1]


def test_messages_leave_on_schedule_though_the_peer_reads_nothing(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """A full send buffer does not hold up the schedule; a late answer is late, not lost."""

    def sleepy(connection: socket.socket) -> None:
        time.sleep(1)
        echo(connection)

    outcome = measure(
        stream_server(sleepy), "tcp", count=100, size=1 << 20, interval=0.002, timeout=0.5
    )
    assert outcome.end["lost"] == 0
    assert outcome.exchanges[0]["fate"] == "late"
    assert outcome.exchanges[99]["sent"] < 1


def test_a_reply_after_the_timeout_is_late(stream_server: ServeStreams, measure: Measure) -> None:
    """As for datagrams: late is what came after the timeout, and it is not delivered."""

    def hold_second(connection: socket.socket) -> None:
        connection.sendall(exactly(connection, 64))
        message = exactly(connection, 64)
        time.sleep(0.3)
        connection.sendall(message)
        echo(connection)

    outcome = measure(stream_server(hold_second), "tcp", count=3, interval=0.25, timeout=0.2)
    assert outcome.fates() == ["delivered", "late", "delivered"]


def test_a_message_that_is_never_answered_is_lost_after_the_linger(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """The wait is bounded by timeout and linger."""

    def swallow_last(connection: socket.socket) -> None:
        connection.sendall(exactly(connection, 64 * 4))
        connection.recv(64)
        connection.recv(64)

    outcome = measure(
        stream_server(swallow_last), "tcp", count=5, interval=0.01, timeout=0.2, linger=0.3
    )
    assert outcome.fates() == [*["delivered"] * 4, "lost"]
    assert outcome.exchanges[4]["why"] == "not answered"
    assert 0.5 <= outcome.end["seconds"] - 0.04 < 1.5


def test_a_peer_that_closes_loses_the_rest_with_the_reason(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """The lecture's server answers once and closes: the first is delivered, the rest lost."""

    def once(connection: socket.socket) -> None:
        connection.sendall(connection.recv(1023))

    outcome = measure(stream_server(once), "tcp", count=5, interval=0.05)
    assert outcome.fates() == ["delivered", *["lost"] * 4]
    assert {one["why"] for one in outcome.exchanges[1:]} == {"the peer closed the connection"}
    assert [one["why"] for one in outcome.named("error")] == ["the peer closed the connection"]
    assert outcome.exchanges[4]["sent"] is None, "it never left"


def test_a_reset_loses_the_rest_with_the_reason(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """Replies that came before the reset count; what follows is lost by it."""

    def answer_two_then_reset(connection: socket.socket) -> None:
        for _ in range(2):
            connection.sendall(exactly(connection, 64))
        exactly(connection, 64)
        reset(connection)

    outcome = measure(stream_server(answer_two_then_reset), "tcp", count=6, interval=0.02)
    assert outcome.fates() == ["delivered", "delivered", *["lost"] * 4]
    assert {one["why"] for one in outcome.exchanges[2:]} == {"Connection reset by peer"}


def test_garbled_bytes_end_the_stream_and_say_where(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """A server that changes one byte is found out at the message that has it."""

    def garble(connection: socket.socket) -> None:
        connection.sendall(exactly(connection, 64))
        second = bytearray(exactly(connection, 64))
        second[40] ^= 0xFF
        connection.sendall(second)
        echo(connection)

    outcome = measure(stream_server(garble), "tcp", count=4, interval=0.02)
    assert outcome.fates() == ["delivered", "lost", "lost", "lost"]
    why = "from byte 64 on, the bytes are not those that were sent"
    assert outcome.exchanges[1]["why"] == why


def test_doubled_and_swapped_messages_of_a_faulty_server_are_told(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """TCP cannot do it, a program can: duplicates and order are counted in streams too."""

    def muddle(connection: socket.socket) -> None:
        first, second = exactly(connection, 64), exactly(connection, 64)
        connection.sendall(second + first + first)
        echo(connection)

    outcome = measure(stream_server(muddle), "tcp", count=4, interval=0.01)
    assert outcome.end["delivered"] == 4
    assert (outcome.end["duplicated"], outcome.end["out_of_order"]) == (1, 1)
    assert [one["order"] for one in outcome.exchanges] == [1, 0, 2, 3]


SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27


def drop_payload(listener: socket.socket) -> None:
    """Have the kernel drop every segment with payload that this socket's connections get.

    A classic BPF program (socket(7), SO_ATTACH_FILTER): segments of more than 80 bytes,
    TCP header included, are dropped; accepted connections inherit it.
    """
    program = struct.pack(
        "HBBI" * 4, 0x80, 0, 0, 0, 0x25, 0, 1, 80, 0x06, 0, 0, 0, 0x06, 0, 0, 65535
    )
    code = ctypes.create_string_buffer(program)
    listener.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 4, ctypes.addressof(code))
    )


def undrop(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def test_segments_that_die_are_counted_as_retransmits(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """The kernel drops the first message's segments for 0.1 s: late by that, and delivered."""

    def deaf_at_first(connection: socket.socket) -> None:
        time.sleep(0.1)
        undrop(connection)
        echo(connection)

    port = stream_server(deaf_at_first, drop_payload)
    outcome = measure(port, "tcp", count=2, size=100, interval=1)
    assert outcome.fates() == ["delivered", "delivered"]
    assert outcome.exchanges[0]["latency"] > 0.1 > outcome.exchanges[1]["latency"]
    (info,) = outcome.named("tcp_info")
    assert info["retransmits"] == outcome.end["retransmits"] >= 1


def test_retransmits_of_all_connections_are_summed(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """Each of three connections loses its message at least once."""

    def deaf_at_first(connection: socket.socket) -> None:
        time.sleep(0.1)
        undrop(connection)
        echo(connection)

    port = stream_server(deaf_at_first, drop_payload)
    outcome = measure(port, "tcp-connect", count=3, size=100, interval=0)
    assert outcome.fates() == ["delivered"] * 3
    assert outcome.end["retransmits"] >= 3


def test_a_refused_connection_loses_all_and_none_was_sent(free_port: int, measure: Measure) -> None:
    """The probe has run: status 0, every message lost, with the reason."""
    outcome = measure(free_port, "tcp", count=3)
    assert outcome.fates() == ["lost"] * 3
    for one in outcome.exchanges:
        assert one["sent"] is None
        assert one["why"] == "connect: Connection refused"
    assert [error["why"] for error in outcome.named("error")] == ["Connection refused"]


def test_interval_zero_is_a_closed_loop_over_a_stream(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """Each message leaves after the reply to the one before."""
    outcome = measure(stream_server(echo), "tcp", count=100, interval=0)
    assert outcome.end["delivered"] == 100
    for before, after in zip(outcome.exchanges, outcome.exchanges[1:], strict=False):
        assert before["received"] <= after["sent"]


def test_a_connection_a_message(stream_server: ServeStreams, measure: Measure) -> None:
    """As many connections as messages, one after the other, on schedule, latency from connect."""
    connections = []

    def once(connection: socket.socket) -> None:
        connections.append(connection.getpeername())
        connection.sendall(connection.recv(1023))

    outcome = measure(stream_server(once), "tcp-connect", count=20, interval=0.01)
    assert outcome.fates() == ["delivered"] * 20
    assert len(set(connections)) == 20
    connected = outcome.named("connected")
    assert [event["number"] for event in connected] == list(range(20))
    for event, one in zip(connected, outcome.exchanges, strict=True):
        assert one["sent"] >= one["number"] * 0.01 - 1e-9
        assert one["sent"] <= event["at"] <= one["received"]
        assert 0 < event["seconds"] < one["latency"] + 1e-6


def test_a_connection_that_takes_long_puts_off_the_next(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """One after the other: a message leaves when it is due and the one before has ended."""

    def slow(connection: socket.socket) -> None:
        message = connection.recv(1023)
        time.sleep(0.1)
        connection.sendall(message)

    outcome = measure(stream_server(slow), "tcp-connect", count=4, interval=0.01, timeout=0.05)
    assert outcome.fates() == ["late"] * 4
    for before, after in zip(outcome.exchanges, outcome.exchanges[1:], strict=False):
        assert after["sent"] >= before["received"]


def test_each_connection_fails_for_itself(stream_server: ServeStreams, measure: Measure) -> None:
    """A reset, an early close, half a reply: that message is lost, the next goes on."""
    seen: list[int] = []

    def treat(connection: socket.socket) -> None:
        seen.append(len(seen))
        message = exactly(connection, 64)
        if seen[-1] == 1:
            reset(connection)
        elif seen[-1] == 3:
            connection.sendall(message[:30])
        elif seen[-1] != 5:
            connection.sendall(message)

    outcome = measure(stream_server(treat), "tcp-connect", count=7, interval=0.001)
    whys = [one["why"] for one in outcome.exchanges]
    closed = "the peer closed the connection"
    assert whys == ["", "Connection reset by peer", "", closed, "", closed, ""]
    assert [event["number"] for event in outcome.named("error")] == [1, 3, 5]
    assert outcome.end["lost"] == 3


def test_a_silent_server_costs_timeout_and_linger_a_message(
    stream_server: ServeStreams, measure: Measure
) -> None:
    """A connection that brings nothing is given up, and the next one begins."""
    outcome = measure(
        stream_server(lambda connection: connection.recv(64) and connection.recv(64)),
        "tcp-connect",
        count=2,
        timeout=0.1,
        linger=0.1,
    )
    assert [one["why"] for one in outcome.exchanges] == ["not answered", "not answered"]
    assert 0.4 <= outcome.end["seconds"] < 1.5


def test_refused_connections_are_lost_one_by_one(free_port: int, measure: Measure) -> None:
    """Each message was tried at its time."""
    outcome = measure(free_port, "tcp-connect", count=3, interval=0.01)
    assert [one["why"] for one in outcome.exchanges] == ["Connection refused"] * 3
    assert outcome.exchanges[2]["sent"] >= 0.02
    assert outcome.end["latency_ms"] is None


def test_source_ports_are_counted_up(
    stream_server: ServeStreams, free_port: int, measure: Measure
) -> None:
    """Message k of tcp-connect leaves from port N + k; a stream from port N."""
    ports = []

    def note(connection: socket.socket) -> None:
        ports.append(connection.getpeername()[1])
        echo(connection)

    port = stream_server(note)
    first = min(free_port, 60000)
    assert measure(port, "tcp-connect", count=3, source_port=first).end["delivered"] == 3
    assert measure(port, "tcp", count=1, source_port=first + 3).start["source_port"] == first + 3
    assert ports == [first, first + 1, first + 2, first + 3]


def test_asked_to_end_the_probe_tells_what_it_knows(stream_server: ServeStreams) -> None:
    """SIGTERM: the answered are delivered, the rest lost for that reason, status 0."""
    port = stream_server(echo)
    command = [sys.executable, "-m", "echo_app.probe", "127.0.0.1", "--protocol", "tcp"]
    command += ["--port", str(port), "--count", "100000", "--interval", "0.01"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 0
    lines = text.splitlines()
    assert len(lines) >= 100_000
    assert '"fate": "delivered"' in lines[2]
    assert '"why": "the probe was asked to end"' in lines[-3]
