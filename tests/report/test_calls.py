"""System calls out of what strace prints, checked on lines that strace 6.1 printed."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from echolab.report import calls

LECTURE = Path(__file__).with_name("calls.strace").read_text(encoding="utf-8")


def test_the_lectures_calls_are_told_as_the_lecture_writes_them() -> None:
    found = calls.parse(LECTURE, "client", {"10.0.0.2": "server"})
    assert [f"{call.text} = {call.result}" for call in found] == [
        "socket(SOCK_STREAM) = 3",
        "connect(3, server:7) = 0",
        "send(3, 9 bytes) = 9",
        "recv(3) = 9",
        "close(3) = 0",
    ]


def test_a_call_returns_when_it_returned() -> None:
    connect = calls.parse(LECTURE, "client")[1]
    assert connect.at == 1_795_528_053_967_428_000
    assert connect.returned == connect.at + 100_012_000


def test_a_call_that_another_process_interrupted_in_the_trace_is_one_call() -> None:
    received = calls.parse(LECTURE, "client")[3]
    assert received.returned is not None
    assert received.returned - received.at == 100_527_000


def test_a_datagram_keeps_its_receiver_and_an_error_its_name() -> None:
    text = (
        "1 1700000000.000001 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 4\n"
        '1 1700000000.000002 sendto(4, "sin_port=htons(9), 77", 21, 0, {sa_family=AF_INET, '
        'sin_port=htons(7), sin_addr=inet_addr("10.0.0.2")}, 16) = 21\n'
        "1 1700000000.000003 recvfrom(4, 0x7ff, 1023, 0, NULL, NULL) = -1 ECONNREFUSED "
        "(Connection refused)\n"
    )
    found = calls.parse(text, "client")
    assert found[1].text == "sendto(4, 21 bytes, 10.0.0.2:7)"
    assert found[2].result == "ECONNREFUSED"
    assert found[2].returned is None


def test_what_one_process_closed_another_still_reads() -> None:
    text = (
        "1 1700000000.000001 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n"
        "1 1700000000.000002 accept(3, NULL, NULL) = 4\n"
        "1 1700000000.000003 close(4) = 0\n"
        '2 1700000000.000004 read(4, "abc", 1023) = 3\n'
        '1 1700000000.000005 read(4, "a file", 1023) = 6\n'
    )
    assert [call.text for call in calls.parse(text, "server")][-1] == "read(4)"
    assert len(calls.parse(text, "server")) == 4


def test_a_call_that_never_returned_is_told_with_a_question_mark() -> None:
    text = (
        "1 1700000000.000001 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n"
        "1 1700000000.000002 accept(3,  <unfinished ...>\n"
    )
    assert calls.parse(text, "server")[1].result == "?"


@given(st.text(max_size=200))
def test_no_line_stops_the_reader(text: str) -> None:
    calls.parse(f"1 1700000000.000001 {text}", "client")
    calls.parse(text, "client")
