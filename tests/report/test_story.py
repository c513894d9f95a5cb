"""The story: order, pieces, healing; which excerpt is shown; the same as text."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from echolab.record import Fault, Record
from echolab.report import events, excerpts, labels, page, story
from tests.report import made


@pytest.fixture
def healed(tmp_path: Path) -> tuple[Record, Path]:
    wire = made.Wire()
    made.healed(wire)
    return made.record(captures=wire.write(tmp_path)), tmp_path


def told(wire: made.Wire, folder: Path, **changes: Any) -> events.Story:
    return story.load(made.record(captures=wire.write(folder), **changes), folder)


def datagram(number: int) -> bytes:
    return made.datagram("client", "server", made.message(number))


def test_the_first_excerpt_is_the_first_loss_that_was_healed(
    healed: tuple[Record, Path],
) -> None:
    told = story.load(*healed)
    first = excerpts.choose(told)[0]
    assert first.title == "The first loss that was healed"
    ((dead, healer),) = told.healed_by.items()
    shown = [event.number for event in first.packet_events]
    assert dead in shown
    assert healer in shown
    assert not told.packet_events[dead - 1].arrived
    assert told.packet_events[dead - 1].messages == told.packet_events[healer - 1].messages == (2,)


def test_of_several_losses_the_one_that_was_healed_first_comes_first(tmp_path: Path) -> None:
    wire = made.Wire()
    made.healed(wire, at=1.0)
    made.healed(wire, at=10.0)
    loaded = told(wire, tmp_path)
    found = excerpts.choose(loaded)
    assert len(loaded.healed_by) >= 2
    assert [excerpt.title for excerpt in found[:2]] == [
        "The first loss that was healed",
        "Another loss that was healed",
    ]
    assert loaded.seconds(found[0].begin) < 3 < loaded.seconds(found[1].begin)


def test_a_program_that_started_later_has_no_part_in_a_excerpt(
    healed: tuple[Record, Path],
) -> None:
    record, folder = healed
    trace = "1 {} socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3 <0.000001>\n"
    early = made.program(calls=trace.format("1700000000.999000"), started=0.9)
    late = made.program(calls=trace.format("1700000001.500000"), started=1.5)
    programs = (early, dataclasses.replace(late, host="server"))
    loaded = story.load(dataclasses.replace(record, programs=programs), folder)
    first = excerpts.at(loaded, 1.0)
    assert first is not None
    assert [call.host for call in first.calls] == ["client"]


@pytest.mark.parametrize("order", [("client", "server"), ("server", "client")])
def test_packets_of_one_moment_stand_in_the_order_in_which_they_went(
    order: tuple[str, str], tmp_path: Path
) -> None:
    wire = made.Wire()
    made.at_once(wire)
    hosts = tuple(sorted(made.hosts(), key=lambda host: order.index(host.name)))
    loaded = told(wire, tmp_path, hosts=hosts)
    assert [event.packet.flags for event in loaded.packet_events] == ["S", "SA", "A"]
    assert loaded.hosts == ("client", "server")
    events = labels.events(excerpts.choose(loaded)[0], loaded)
    assert [event.host for event in events] == [
        "client",
        "server",
        "server",
        "client",
        "client",
        "server",
    ]


def test_where_nothing_was_healed_the_first_exchange_is_shown(tmp_path: Path) -> None:
    wire = made.Wire()
    wire.send(0.5, "client", "server", datagram(9))  # before the scenario began
    wire.send(1.0, "client", "server", datagram(0))
    wire.send(1.1, "server", "client", made.datagram("server", "client", made.message(0)))
    told_ = told(wire, tmp_path)
    first = excerpts.choose(told_, begin=0.9)[0]
    assert first.title == "The first exchange"
    assert 2 in [event.number for event in first.packet_events]


def test_any_other_excerpt_is_shown_by_choice(healed: tuple[Record, Path]) -> None:
    record, folder = healed
    loaded = story.load(record, folder)
    chosen = story.chosen(record, loaded, at=2.0)[0]
    assert chosen.reason == "by choice"
    assert loaded.seconds(chosen.packet_events[0].at) >= 2.0
    assert excerpts.at(loaded, 99.0) is None


def test_overtaking_is_told_of_both(tmp_path: Path) -> None:
    wire = made.Wire()
    wire.send(1.0, "client", "server", datagram(0), delay=0.2)
    wire.send(1.1, "client", "server", datagram(1), delay=0.01)
    wire.send(1.2, "client", "server", datagram(2), delay=0.1)
    first, second, third = told(wire, tmp_path).packet_events
    assert (first.overtaken, first.overtakes) == (True, False)
    assert (second.overtaken, second.overtakes) == (False, True)
    assert not third.overtaken
    assert not third.overtakes


def test_fragments_count_as_pieces_of_one_conversation(tmp_path: Path) -> None:
    wire = made.Wire()
    pieces = made.fragments("client", "server", bytes(3000), 1480, 77, (40000, 7))
    for number, piece in enumerate(pieces):
        wire.send(1 + number * 1e-5, "client", "server", piece, dies=number == 1)
    found = told(wire, tmp_path).packet_events
    assert [event.piece for event in found] == [(1, 3), (2, 3), (3, 3)]
    assert len({event.conversation for event in found}) == 1


def test_the_dead_of_each_direction_are_counted(tmp_path: Path) -> None:
    wire = made.Wire()
    for number in range(7):
        wire.send(number, "client", "server", datagram(number), dies=number < 3)
        back = made.datagram("server", "client", made.message(number))
        wire.send(number + 0.5, "server", "client", back, dies=number == 6)
    found = told(wire, tmp_path)
    assert (found.died("client"), found.died("server")) == (3, 1)


def test_a_packet_that_left_its_link_and_was_not_seen_again_is_not_called_dead(
    tmp_path: Path,
) -> None:
    wire = made.Wire()
    wire.send(1.0, "client", "server", datagram(0), vanishes=True)
    wire.send(1.1, "client", "server", datagram(1))
    record = made.record(captures=wire.write(tmp_path))
    assert story.load(record, tmp_path).died("client") == 0
    text = story.text(record, tmp_path)
    assert "? server  #1" in text
    assert "no capture shows its arrival" in text
    assert "no capture shows its arrival" in page.draw([(record, tmp_path)])


def test_the_text_has_a_line_for_each_event_in_the_order_of_time(
    healed: tuple[Record, Path],
) -> None:
    text = story.text(*healed)
    times = [float(line[:12]) for line in text.splitlines() if line[12:15] == " ms"]
    assert times == sorted(times)
    assert "✗ server  #10 64 B seq 129 ack 129 (message 2)" in text
    assert "↻ server  #11" in text
    assert "heals #10" in text


def test_what_was_done_to_hosts_stands_on_the_same_time_line(
    healed: tuple[Record, Path],
) -> None:
    record, folder = healed
    first, *_, last = story.load(record, folder).packet_events
    at = ((first.at + last.at) / 2 - (record.epoch or 0) * 1e9) / 1e9
    faults = (
        Fault(at, "kill", ("server",)),
        Fault(at, "partition", ("client", "server"), (("client",), ("server",))),
    )
    record = dataclasses.replace(record, faults=faults)
    text = story.text(record, folder)
    assert text.startswith("Kill at second ")
    assert "server  ‼ server loses its power" in text
    assert "‼ the network is cut: client | server" in text
    assert "‼ server loses its power" in page.draw([(record, folder)])


def test_calls_stand_on_the_same_time_line(healed: tuple[Record, Path]) -> None:
    record, folder = healed
    trace = (
        "1 1700000000.900000 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3 <0.000001>\n"
        '1 1700000001.750060 sendto(3, "x", 64, 0, NULL, 0) = 64 <0.000010>\n'
        '1 1700000001.750080 recvfrom(3, "x", 1023, 0, NULL, NULL) = 64 <0.308020>\n'
    )
    program = made.program(calls=trace, started=0.9)
    text = story.text(dataclasses.replace(record, programs=(program,)), folder)
    lines = [line[15:] for line in text.splitlines()]
    sent = next(place for place, line in enumerate(lines) if "send(3, 64 bytes)" in line)
    dead = next(place for place, line in enumerate(lines) if "✗" in line)
    back = next(place for place, line in enumerate(lines) if "recv(3) returns 64" in line)
    assert sent < dead < back


def test_a_call_that_returns_the_moment_its_packet_comes_returns_after_it(
    healed: tuple[Record, Path],
) -> None:
    record, folder = healed
    loaded = story.load(record, folder)
    answer = loaded.packet_events[4]
    at, took = answer.passage.arrivals[0].at - 40_000_000, "0.040000000"
    seconds = f"{at // 10**9}.{at % 10**9:09}"
    trace = (
        "1 1700000000.900000 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3 <0.000001>\n"
        f'1 {seconds} recvfrom(3, "x", 1023, 0, NULL, NULL) = 64 <{took}>\n'
    )
    program = made.program(calls=trace, started=0.9)
    told = story.load(dataclasses.replace(record, programs=(program,)), folder)
    (call,) = [call for call in told.calls if call.text == "recv(3)"]
    assert call.returned == answer.passage.arrivals[0].at
    excerpt = excerpts.at(told, 1.0)
    assert excerpt is not None
    texts = [event.text for event in labels.events(excerpt, told)]
    assert texts.index(f"← server  #{answer.number} arrives") < texts.index("recv(3) returns 64")


def test_without_captures_the_story_says_so(tmp_path: Path) -> None:
    assert "kept no packet captures" in story.text(made.record(), tmp_path)


def test_a_capture_that_is_missing_or_changed_is_told_of(
    healed: tuple[Record, Path],
) -> None:
    record, folder = healed
    (folder / "client.before-link.pcap").unlink()
    (folder / "server.after-link.pcap").write_bytes(b"rubbish")
    notes = " ".join(story.load(record, folder).notes)
    assert "client.before-link.pcap cannot be read" in notes
    assert "server.after-link.pcap is not the one that the run wrote" in notes
    assert "server.after-link.pcap cannot be shown" in notes


def test_an_engine_without_captures_ahead_of_the_link_says_what_is_not_shown(
    healed: tuple[Record, Path],
) -> None:
    record, folder = healed
    behind = tuple(one for one in record.captures if one.where == "after-link")
    found = story.load(dataclasses.replace(record, captures=behind), folder)
    assert "behind the link alone" in found.notes[0]
    assert found.packet_events


def test_a_record_leads_to_no_file_but_those_in_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "run"
    inside.mkdir()
    wire = made.Wire()
    made.healed(wire)
    captures = tuple(
        dataclasses.replace(one, file=f"../{one.file}") for one in wire.write(tmp_path)
    )
    found = story.load(made.record(captures=captures), inside)
    assert not found.packet_events
    assert "cannot be read" in found.notes[1]


def test_a_packet_that_was_sent_as_the_run_ended_is_under_way(tmp_path: Path) -> None:
    """One that is as old as a delay of its link died."""
    wire = made.Wire()
    for at in (1.0, 2.0, 9.96):
        wire.send(
            at,
            "client",
            "server",
            made.datagram("client", "server", b"x", number=int(at)),
            dies=at > 1.5,
        )
    found = story.load(made.record(captures=wire.write(tmp_path), lab_seconds=10.0), tmp_path)
    told = [labels.remark(event, found) for event in found.packet_events]
    assert told == ["", "dies on the link of client", "still under way when the run ended"]


def test_the_fields_of_a_packet_tell_its_times_headers_and_fate(
    healed: tuple[Record, Path],
) -> None:
    loaded = story.load(*healed)
    told = "\n".join(labels.fields(loaded.packet_events[9], loaded))
    assert "#10 client → server" in told
    assert "10.0.0.1:50000 → 10.0.0.2:7" in told
    assert "dies on the link of client, healed by #11" in told
    told = "\n".join(labels.fields(loaded.packet_events[10], loaded))
    assert "50.002 ms later" in told
