"""Matching by identity: whatever the wire does, each packet's fate is told as it was."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from echolab.report import pcap
from echolab.report.matching import (
    ARRIVED,
    DIED,
    VANISHED,
    Seen,
    match,
    share,
    turned_bits,
)
from echolab.report.pcap import Frame
from tests.report import made


def seen(wire: made.Wire, *, before: bool = True) -> dict[str, Seen]:
    def frames(host: str, where: str) -> list[Frame]:
        found = sorted(wire.files.get((host, where), []), key=lambda pair: pair[0])
        return [Frame(at, data) for at, data in found]

    return {
        host: Seen(
            made.mac(host).hex(":"),
            frames(host, "before-link") if before else None,
            frames(host, "after-link"),
        )
        for host in wire.hosts
    }


PLANS = st.lists(
    st.tuples(
        st.sampled_from(["arrives", "dies", "twice", "vanishes", "damaged"]),
        st.floats(0.001, 0.2),
        st.sampled_from(["client", "server"]),
        st.sampled_from(["udp", "tcp"]),
    ),
    max_size=25,
)


@given(PLANS)
@settings(deadline=None)
def test_every_fate_is_told_as_it_was(
    plans: list[tuple[str, float, str, str]],
) -> None:
    """Loss, duplication, damage and reordering (by delays of chance) in any mixture."""
    wire = made.Wire()
    for number, (fate, delay, source, protocol) in enumerate(plans):
        target = "server" if source == "client" else "client"
        if protocol == "udp":
            frame = made.datagram(source, target, made.message(number))
        else:
            frame = made.segment(source, target, "PA", number * 64, 1, made.message(number))
        damage = bytearray(frame)
        damage[spot(number, len(frame))] ^= 1 << number % 8
        wire.send(
            number * 0.01,
            source,
            target,
            frame,
            dies=fate == "dies",
            copies=2 if fate == "twice" else 1,
            delay=delay,
            vanishes=fate == "vanishes",
            arrives_as=bytes(damage) if fate == "damaged" else None,
        )
    passages = match(seen(wire))
    assert len(passages) == len(plans)
    for passage, (fate, delay, source, _) in zip(passages, plans, strict=True):
        assert passage.source == source
        expected = {"dies": DIED, "vanishes": VANISHED}.get(fate, ARRIVED)
        assert passage.fate == expected
        assert len(passage.arrivals) == {"dies": 0, "vanishes": 0, "twice": 2}.get(fate, 1)
        assert {arrival.damaged for arrival in passage.arrivals} <= {fate == "damaged"}
        if passage.arrivals and passage.sent is not None:
            flight = passage.arrivals[0].at - passage.sent
            assert abs(flight - round(delay * 1e9) - 2000) < 1000


def spot(number: int, size: int) -> int:
    """A byte to damage, but for the checksums, which a device may have filled in."""
    places = [place for place in range(size) if place not in (40, 41, 50, 51)]
    return places[number * 13 % len(places)]


def test_a_checksum_that_the_device_fills_in_does_not_hide_a_packet() -> None:
    frame = made.segment("client", "server", "PA", 1, 1, b"hello")
    where = 14 + 20 + 16
    filled = frame[:where] + b"\xab\xcd" + frame[where + 2 :]
    wire = made.Wire()
    wire.send(0.0, "client", "server", frame, arrives_as=filled)
    (passage,) = match(seen(wire))
    assert passage.fate == ARRIVED
    assert not passage.arrivals[0].damaged


def test_damage_to_the_senders_own_address_is_no_death() -> None:
    frame = made.datagram("client", "server", made.message(1))
    hurt = frame[:11] + bytes([frame[11] ^ 0x40]) + frame[12:]
    wire = made.Wire()
    wire.send(0.0, "client", "server", frame, arrives_as=hurt)
    (passage,) = match(seen(wire))
    assert (passage.fate, passage.source) == (ARRIVED, "client")
    assert passage.arrivals[0].damaged


def test_of_packets_that_are_alike_the_one_dies_whose_flight_would_be_unusual() -> None:
    """Ten datagrams without numbers, the fourth lost: arrivals tell which by their times."""
    wire = made.Wire(delay=0.05)
    for number in range(3):  # unlike all others: they tell the usual flight
        wire.send(number, "client", "server", made.datagram("client", "server", bytes([number])))
    same = made.datagram("client", "server", b"the same each time")
    for number in range(10):
        wire.send(5 + number * 0.02, "client", "server", same, dies=number == 3)
    passages = [passage for passage in match(seen(wire)) if passage.data == same]
    assert [passage.fate for passage in passages].index(DIED) == 3
    assert sum(passage.fate == DIED for passage in passages) == 1


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(1, 10**9))
def test_of_packets_that_are_alike_as_many_die_as_did(kept: list[bool], flight: int) -> None:
    times = [number * 1000 for number in range(len(kept))]
    frames = [Frame(at + flight, b"") for at, keep in zip(times, kept, strict=True) if keep]
    dealt = share(times, frames, flight)
    assert [bool(got) for got in dealt] == kept
    assert sum(map(len, share(times, frames, None))) == len(frames)


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
    st.lists(st.integers(0, 10**6), max_size=40),
    st.none() | st.integers(0, 10**6),
)
def test_no_frame_is_dealt_twice_and_none_is_left(
    sent: list[int], came: list[int], usual: int | None
) -> None:
    frames = [Frame(at, b"", place) for place, at in enumerate(sorted(came))]
    dealt = share(sorted(sent), frames, usual)
    assert sorted(frame.place for got in dealt for frame in got) == list(range(len(came)))


def test_ten_thousand_packets_that_are_alike_are_dealt_at_once() -> None:
    times = list(range(0, 10**7, 1000))
    frames = [Frame(at + 500, b"") for at in times[::2]]
    began = time.process_time()
    dealt = share(times, frames, 500)
    assert [len(got) for got in dealt] == [1, 0] * 5000
    assert time.process_time() - began < 2


def test_fragments_are_matched_one_by_one() -> None:
    wire = made.Wire()
    pieces = made.fragments("client", "server", bytes(3000), 1480, 77, (40000, 7))
    for number, piece in enumerate(pieces):
        wire.send(number * 1e-5, "client", "server", piece, dies=number == 1)
    assert [passage.fate for passage in match(seen(wire))] == [ARRIVED, DIED, ARRIVED]


def test_a_broadcast_arrives_at_everybody_else() -> None:
    wire = made.Wire(hosts=("client", "server", "third"))
    frame = b"\xff" * 6 + made.datagram("client", "server", b"all")[6:]
    wire.send(0.0, "client", "server", frame)
    wire._note("third", "after-link", 0.050002, frame)
    (passage,) = match(seen(wire))
    assert {arrival.host for arrival in passage.arrivals} == {"server", "third"}


def test_without_a_capture_ahead_of_the_link_what_left_is_what_was_sent() -> None:
    wire = made.Wire()
    wire.send(0.0, "client", "server", made.datagram("client", "server", b"a"), dies=True)
    wire.send(0.1, "client", "server", made.datagram("client", "server", b"b"))
    (passage,) = match(seen(wire, before=False))
    assert passage.fate == ARRIVED
    assert passage.sent is not None
    assert passage.arrivals[0].at - passage.sent == 2000


def test_when_only_the_receiver_was_watched_the_packet_is_known_without_a_time_of_sending() -> None:
    frame = made.datagram("client", "server", b"a")
    watched = {
        "client": Seen(made.mac("client").hex(":"), None, None),
        "server": Seen(made.mac("server").hex(":"), None, [Frame(5, frame)]),
    }
    (passage,) = match(watched)
    assert (passage.source, passage.sent, passage.fate) == ("client", None, ARRIVED)


def test_when_everything_dies_everything_is_dead() -> None:
    wire = made.Wire()
    for number in range(5):
        frame = made.datagram("client", "server", made.message(number))
        wire.send(number, "client", "server", frame, dies=True)
    assert [passage.fate for passage in match(seen(wire))] == [DIED] * 5


@given(st.binary(min_size=60, max_size=60), st.integers(0, 479))
def test_one_turned_bit_is_one(data: bytes, place: int) -> None:
    turned = int.from_bytes(data, "big") ^ (1 << place)
    assert turned_bits(b"\0" * 14 + data, b"\0" * 14 + turned.to_bytes(60, "big")) == 1


def test_captures_in_files_are_matched_like_frames(tmp_path: Path) -> None:
    wire = made.Wire()
    made.healed(wire)
    wire.write(tmp_path)
    from_files = {
        host: Seen(
            made.mac(host).hex(":"),
            pcap.read(tmp_path / f"{host}.before-link.pcap"),
            pcap.read(tmp_path / f"{host}.after-link.pcap"),
        )
        for host in wire.hosts
    }
    assert match(from_files) == match(seen(wire))
