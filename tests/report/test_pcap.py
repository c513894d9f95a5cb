"""Reading captures: exact times, both byte orders, files that are cut short or not captures."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.report import packet, pcap
from tests.report import made

FRAMES = st.lists(
    st.tuples(st.integers(0, 4_000_000_000 * 10**9 - 1), st.binary(min_size=14, max_size=90)),
    max_size=8,
)


@given(FRAMES)
def test_times_in_nanoseconds_are_read_exactly(frames: list[tuple[int, bytes]]) -> None:
    read = pcap.parse(made.pcap(frames))
    assert [(frame.at, frame.data) for frame in read] == frames


def test_a_capture_in_microseconds_and_in_the_other_byte_order_is_read() -> None:
    content = struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    content += struct.pack(">IIII", 1_700_000_000, 250_001, 14, 14) + bytes(14)
    assert pcap.parse(content)[0].at == 1_700_000_000_250_001_000


@given(FRAMES.filter(bool), st.data())
def test_a_capture_cut_short_gives_the_frames_before_the_cut(
    frames: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    content = made.pcap(frames)
    cut = data.draw(st.integers(24, len(content)))
    read = pcap.parse(content[:cut])
    whole = [frame for frame in read if (frame.at, frame.data) in frames]
    assert [(frame.at, frame.data) for frame in whole] == frames[: len(whole)]
    assert len(read) - len(whole) <= 1


@pytest.mark.parametrize("content", [b"", b"no capture at all, really not one", b"\x00" * 24])
def test_what_is_no_capture_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(BadInput, match="is not a packet capture"):
        pcap.parse(content, "x.pcap")


def test_a_missing_capture_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.pcap"):
        pcap.read(tmp_path / "gone.pcap")


def test_frames_of_another_link_type_are_refused() -> None:
    content = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101)
    with pytest.raises(BadInput, match="link type 101"):
        pcap.parse(content)


@given(st.binary(max_size=120))
def test_no_frame_whatever_it_holds_stops_the_reader(data: bytes) -> None:
    assert packet.parse(data).protocol in {"tcp", "udp", "icmp", "arp", "ip", "other"}


@given(st.binary(max_size=80), st.integers(0, 2**32 - 1), st.data())
def test_no_damage_to_a_segment_stops_the_reader(
    payload: bytes, sequence: int, data: st.DataObject
) -> None:
    whole = made.segment("client", "server", "PA", sequence, 1, payload)
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    turned = int.from_bytes(whole, "big") ^ (1 << place)
    packet.parse(turned.to_bytes(len(whole), "big"))


@given(st.sampled_from(["S", "SA", "A", "PA", "FA", "R", "RA"]), st.integers(0, 2**32 - 1))
def test_a_segment_is_read_as_it_was_written(flags: str, sequence: int) -> None:
    read = packet.parse(made.segment("client", "server", flags, sequence, 77, b"hello"))
    assert read.protocol == "tcp"
    assert set(read.flags) == set(flags)
    assert (read.sequence, read.acknowledgement, read.length) == (sequence, 77, 5)
    assert (read.source, read.destination) == ("10.0.0.1", "10.0.0.2")


def test_an_icmp_error_belongs_to_the_conversation_that_it_is_about() -> None:
    sent = made.datagram("client", "server", b"anybody there?")
    quoted = dpkt.icmp.ICMP.Unreach(data=dpkt.ip.IP(sent[14:]))
    error = dpkt.ip.IP(
        src=made.ip("server"),
        dst=made.ip("client"),
        p=1,
        data=dpkt.icmp.ICMP(type=3, code=3, data=quoted),
    )
    error.len = len(error)
    read = packet.parse(made.ethernet("server", "client", error))
    assert read.text == "port unreachable"
    assert read.conversation == packet.parse(sent).conversation


def test_the_writer_of_the_tests_agrees_with_dpkt() -> None:
    content = made.pcap([(5, made.datagram("client", "server", b"x"))])
    assert len(list(dpkt.pcap.Reader(io.BytesIO(content)))) == 1


def test_a_capture_that_grows_byte_by_byte_yields_what_the_whole_file_yields() -> None:
    frames = [(1.5, b"x" * 60), (2.0, b"y" * 1514), (2.0, b"")]
    content = b"\x4d\x3c\xb2\xa1" + struct.pack("<HHiIII", 2, 4, 0, 0, 65535, 1)
    for at, data in frames:
        head = (int(at), int(at % 1 * 1e9), len(data), len(data))
        content += struct.pack("<IIII", *head) + data
    growing = pcap.Growing("capture")
    for place in range(len(content)):
        growing.take(content[place : place + 1])
    assert tuple(growing.frames) == pcap.parse(content)
    assert [frame.data for frame in growing.frames] == [data for _, data in frames]
