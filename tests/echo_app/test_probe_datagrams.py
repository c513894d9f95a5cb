"""The datagram probe against servers that drop, double, delay, swap and forge."""

from __future__ import annotations

import json
import select
import shutil
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.echo_app.interfaces import Datagram, Event, Execute, Measure, ServeDatagrams


def number_of(message: bytes) -> int:
    """The number of a probe's message, read without the code under test."""
    magic, number = struct.unpack("!4s4xI4x", message[:16])
    assert magic == b"echo"
    return int(number)


def test_a_faithful_server_answers_everything_in_order(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Nothing lost, late, duplicated or overtaken, and each latency is reply minus sending."""

    def echo(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            own.sendto(message, sender)

    outcome = measure(datagram_server(echo), "udp", count=50, interval=0.001, size=100)
    end = outcome.end
    assert (end["delivered"], end["late"], end["lost"]) == (50, 0, 0)
    assert (end["duplicated"], end["out_of_order"], end["retransmits"]) == (0, 0, None)
    assert [one["order"] for one in outcome.exchanges] == list(range(50))
    for one in outcome.exchanges:
        assert abs(one["received"] - one["sent"] - one["latency"]) < 2e-9
    latencies = sorted(one["latency"] * 1000 for one in outcome.exchanges)
    assert abs(end["latency_ms"]["min"] - latencies[0]) < 1e-6
    assert abs(end["latency_ms"]["max"] - latencies[-1]) < 1e-6
    assert abs(end["latency_ms"]["median"] - sum(latencies[24:26]) / 2) < 1e-6


def test_datagrams_have_the_size_asked_for(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """From the smallest message of 16 bytes to the largest datagram that IPv4 carries."""
    seen = []

    def echo(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            seen.append(len(message))
            own.sendto(message, sender)

    port = datagram_server(echo)
    for size in (16, 17, 1023, 65507):
        outcome = measure(port, "udp", count=2, size=size, interval=0.001)
        assert outcome.end["delivered"] == 2
    assert seen == [16, 16, 17, 17, 1023, 1023, 65507, 65507]


def test_what_the_server_drops_is_lost_and_nothing_else(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Each third message dropped: exactly those are lost, though later ones are answered."""

    def drop_some(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            if number_of(message) % 3:
                own.sendto(message, sender)

    outcome = measure(datagram_server(drop_some), "udp", count=30, interval=0.001, timeout=0.2)
    lost = [one["number"] for one in outcome.exchanges if one["fate"] == "lost"]
    assert lost == list(range(0, 30, 3))
    for one in outcome.exchanges:
        if one["fate"] == "lost":
            assert one["received"] is one["latency"] is one["order"] is None
            assert one["why"] == "not answered"


def test_datagrams_leave_on_schedule_though_none_is_answered(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Sending waits for nobody: 20 messages leave in 20 intervals, none before its time."""

    def silent(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for _ in datagrams:
            pass

    outcome = measure(
        datagram_server(silent), "udp", count=20, interval=0.01, timeout=0.1, linger=0
    )
    assert outcome.end["lost"] == 20
    sent = [one["sent"] for one in outcome.exchanges]
    assert all(at >= number * 0.01 for number, at in enumerate(sent))
    assert outcome.end["seconds"] < 20 * 0.01 + 1, "no message waited for the one before"


def test_lateness_of_one_message_does_not_shift_the_others(
    datagram_server: ServeDatagrams, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schedule is absolute: after a pause of the probe it catches up, without drift."""
    stall = threading.Event()
    real = select.select

    def slow_once(*arguments: Any) -> Any:
        if not stall.is_set():
            stall.set()
            time.sleep(0.1)
        return real(*arguments)

    def echo(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            own.sendto(message, sender)

    monkeypatch.setattr("select.select", slow_once)
    outcome = measure(datagram_server(echo), "udp", count=40, interval=0.01)
    late = [one["sent"] - one["number"] * 0.01 for one in outcome.exchanges]
    assert max(late[1:9]) > 0.01, "the pause was felt"
    assert min(late[20:]) < 0.005, "and caught up with"


def test_a_second_copy_is_a_duplicate_and_not_a_reply(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Each message answered three times: delivered once, two duplicates each, none missed."""

    def triple(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            for _ in range(3):
                own.sendto(message, sender)

    outcome = measure(datagram_server(triple), "udp", count=20, interval=0.002)
    assert outcome.end["delivered"] == 20
    assert outcome.end["out_of_order"] == 0
    # The last message's copies may come when nobody listens any more.
    assert [one["duplicates"] for one in outcome.exchanges[:-1]] == [2] * 19
    assert outcome.end["duplicated"] == sum(one["duplicates"] for one in outcome.exchanges)


def test_a_copy_that_follows_the_last_reply_is_still_counted(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """After the last reply the probe listens for as long as the slowest reply took."""

    def again(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            time.sleep(0.1)
            own.sendto(message, sender)
            time.sleep(0.03)
            own.sendto(message, sender)

    outcome = measure(datagram_server(again), "udp", count=1)
    assert (outcome.end["delivered"], outcome.end["duplicated"]) == (1, 1)


def test_overtaken_replies_are_out_of_order(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Pairs answered in reverse: the second of each pair to arrive is out of order."""

    def swap(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            other, _ = next(datagrams)
            own.sendto(other, sender)
            own.sendto(message, sender)

    outcome = measure(datagram_server(swap), "udp", count=20, interval=0.001)
    assert outcome.end["out_of_order"] == 10
    orders = [one["order"] for one in outcome.exchanges]
    assert orders == [number ^ 1 for number in range(20)]


def test_a_duplicate_of_an_old_message_is_not_out_of_order(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """An old reply again after newer ones counts as a duplicate alone."""

    def repeat_first(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        first = None
        for message, sender in datagrams:
            first = first or message
            own.sendto(message, sender)
            own.sendto(first, sender)

    outcome = measure(datagram_server(repeat_first), "udp", count=10, interval=0.005)
    assert outcome.end["out_of_order"] == 0
    assert outcome.exchanges[0]["duplicates"] >= 9


def test_a_reply_after_the_timeout_is_late(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """The delayed message is late, with its whole latency; the prompt ones are delivered."""

    def delay_second(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            if number_of(message) == 1:
                held = message
            else:
                own.sendto(message, sender)
            if number_of(message) == 8:
                own.sendto(held, sender)

    outcome = measure(
        datagram_server(delay_second), "udp", count=10, interval=0.05, timeout=0.2, linger=1
    )
    assert outcome.fates() == ["delivered", "late", *["delivered"] * 8]
    assert outcome.exchanges[1]["latency"] > 0.3
    assert outcome.end["out_of_order"] == 1
    assert outcome.end["latency_ms"]["max"] > 300


def test_linger_bounds_how_long_late_replies_are_waited_for(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Without linger the probe ends with the last timeout, and what comes later is lost."""

    def after_a_while(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            time.sleep(0.4)
            own.sendto(message, sender)

    port = datagram_server(after_a_while)
    short = measure(port, "udp", count=1, timeout=0.1, linger=0)
    assert short.fates() == ["lost"]
    assert 0.1 <= short.end["seconds"] < 0.4
    assert measure(port, "udp", count=1, timeout=0.1, linger=2).fates() == ["late"]


def test_interval_zero_is_a_closed_loop(datagram_server: ServeDatagrams, measure: Measure) -> None:
    """A message leaves when the one before was answered, or when its timeout passed."""

    def drop_third(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            if number_of(message) != 2:
                own.sendto(message, sender)

    outcome = measure(datagram_server(drop_third), "udp", count=6, interval=0, timeout=0.2)
    assert outcome.end["lost"] == 1
    for before, after in zip(outcome.exchanges, outcome.exchanges[1:], strict=False):
        if before["number"] == 2:
            assert 0.2 <= after["sent"] - before["sent"] < 0.4
        else:
            assert before["received"] <= after["sent"]


def test_a_closed_port_is_told_for_the_datagram_it_met(free_port: int, measure: Measure) -> None:
    """ICMP's refusal names the message, and every message is lost with that reason."""
    outcome = measure(free_port, "udp", count=5, interval=0.01)
    assert outcome.end["lost"] == 5
    errors = outcome.named("error")
    assert [error["number"] for error in errors] == [0, 1, 2, 3, 4]
    for one in (*errors, *outcome.exchanges):
        assert one["why"] == "Connection refused (ICMP type 3 code 3 from 127.0.0.1)"
    assert outcome.end["seconds"] < 1, "nothing is waited for that is known to fail"


@pytest.fixture
def lonely(execute: Execute) -> Callable[..., list[Event]]:
    """Run commands in a network of their own, which knows one neighbour that is not there."""
    tools = [shutil.which(name) for name in ("unshare", "ip")]
    if None in tools:
        pytest.skip("unshare or ip is not here (Debian: util-linux, iproute2)")
    made = (
        "import subprocess, sys\n"
        "for words in ('link set lo up', 'link add here type veth peer name there',"
        " 'addr add 10.9.0.1/24 dev here', 'link set here up', 'link set there up'):\n"
        "    subprocess.run(['ip', *words.split()], check=True)\n"
        "sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)\n"
    )

    def run(*arguments: object) -> list[Event]:
        command = ["unshare", "-rn", sys.executable, "-c", made, "-m", *arguments]
        done = execute(command)
        if done.returncode and ("unshare" in done.stderr or "RTNETLINK" in done.stderr):
            pytest.skip(f"no network namespaces for this user: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_dead_host_and_an_unknown_network_are_told_apart(
    lonely: Callable[..., list[Event]],
) -> None:
    """A silent neighbour is "no route" by this host's ICMP; without a network it says so."""
    command = ("echo_app.probe", "--count=2", "--interval=0.1", "--timeout=5", "--linger=0")
    *_, first, _, _ = dead = lonely(*command, "10.9.0.2")
    assert first["why"] == "No route to host (ICMP type 3 code 1 from 10.9.0.1)"
    assert [event["fate"] for event in dead if event["event"] == "exchange"] == ["lost", "lost"]
    assert 0.5 < dead[-1]["seconds"] < 5, "known to fail when the neighbour was given up"
    for protocol in ("udp", "tcp", "tcp-connect"):
        unknown = lonely(*command, "10.77.0.2", "--protocol", protocol)
        (error, *_) = [event for event in unknown if event["event"] == "error"]
        assert error["why"] == "Network is unreachable"
        assert unknown[-1]["lost"] == 2


def test_altered_foreign_and_forged_datagrams_are_no_replies(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """One changed byte, a missing byte, another probe, a number never sent: none counts."""

    def forge(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            changed = bytearray(message)
            changed[-1] ^= 1
            own.sendto(changed, sender)
            own.sendto(message[:-1], sender)
            own.sendto(message[:4] + b"\0\0\0\0" + message[8:], sender)
            own.sendto(message[:8] + struct.pack("!I", 1_000_000) + message[12:], sender)
            own.sendto(b"", sender)

    outcome = measure(datagram_server(forge), "udp", count=2, interval=0.01, timeout=0.2, linger=0)
    assert outcome.fates() == ["lost", "lost"]
    assert outcome.end["duplicated"] == 0
    assert len(outcome.named("error")) == 10


def test_a_datagram_of_another_sender_is_not_seen(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Only the target answers: a reply from another port of the same host is ignored."""

    def from_elsewhere(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            for message, sender in datagrams:
                other.sendto(message, sender)

    outcome = measure(datagram_server(from_elsewhere), "udp", count=2, timeout=0.1, linger=0)
    assert outcome.end["lost"] == 2


def test_the_source_port_can_be_chosen(
    datagram_server: ServeDatagrams, free_port: int, measure: Measure
) -> None:
    """The start event and the server agree on it."""
    seen = []

    def echo(own: socket.socket, datagrams: Iterator[Datagram]) -> None:
        for message, sender in datagrams:
            seen.append(sender[1])
            own.sendto(message, sender)

    outcome = measure(datagram_server(echo), "udp", count=2, source_port=free_port)
    assert seen == [free_port, free_port]
    assert outcome.start["source_port"] == free_port


def test_the_start_event_tells_what_is_measured_and_when(
    datagram_server: ServeDatagrams, measure: Measure
) -> None:
    """Both clocks of the start lie between the test's own readings."""
    before = time.monotonic(), time.time()
    port = datagram_server(lambda own, datagrams: [own.sendto(*one) for one in datagrams])
    start = measure(port, "udp", count=3, size=77, interval=0.003, timeout=0.7).start
    after = time.monotonic(), time.time()
    assert start["target"] == start["address"] == "127.0.0.1"
    assert (start["protocol"], start["port"], start["count"]) == ("udp", port, 3)
    assert (start["size"], start["interval"], start["timeout"]) == (77, 0.003, 0.7)
    assert start["linger"] == 0.7
    assert before[0] <= start["monotonic"] <= after[0]
    assert before[1] - 0.001 <= start["realtime"] <= after[1] + 0.001
