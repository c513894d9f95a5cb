"""The packets of a run that goes on: read look by look, from captures that grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from echolab.link import Link
from echolab.scenario.watched import Device, Look, Opening, SeenLink
from echolab.watch import flights
from echolab.watch.flights import NANOSECONDS
from echolab.watch.packets import Packets, Reader
from tests.report import made

EPOCH = made.EPOCH * 10**9

STEP = 0.25


class Run:
    """A run that has told of its packets up to some lab second."""

    def __init__(self, folder: Path, wire: made.Wire, link: Link) -> None:
        self._folder, self._wire, self._link = folder, wire, link
        self.looks: list[Look] = []
        self.reader = Reader(folder)
        self.opening = Opening(
            0,
            EPOCH,
            tuple(wire.hosts),
            tuple(
                Device(
                    host,
                    "lab",
                    made.mac(host).hex(":"),
                    (f"10.0.0.{number}",),
                    f"{host}.before-link.pcap",
                    f"{host}.after-link.pcap",
                )
                for number, host in enumerate(wire.hosts, start=1)
            ),
        )

    def go_on(self) -> Packets:
        """Come to the next look, and read."""
        at = len(self.looks) * STEP
        link = SeenLink("client", "lab", self._link, 0.0)
        self.looks.append(Look(at, (link,), (), {}, (), (), (), ()))
        for (host, where), frames in self._wire.files.items():
            told = sorted(one for one in frames if one[0] <= EPOCH + at * NANOSECONDS)
            (self._folder / f"{host}.{where}.pcap").write_bytes(made.pcap(told))
        return self.reader.read(self.opening, self.looks, (), ended=False)


@pytest.fixture
def wire() -> Iterator[made.Wire]:
    yield made.Wire()


def send(wire: made.Wire, at: float, number: int, *, delay: float, dies: bool = False) -> None:
    frame = made.datagram("client", "server", made.message(number))
    wire.send(at, "client", "server", frame, dies=dies, delay=delay)


def test_what_is_read_look_by_look_is_what_is_read_at_once(tmp_path: Path) -> None:
    wire = made.Wire()
    for number in range(200):
        send(wire, 0.02 * number, number, delay=0.1, dies=number % 7 == 0)
    (tmp_path / "slow").mkdir()
    (tmp_path / "once").mkdir()
    slow, once = (Run(tmp_path / name, wire, Link(delay=0.1)) for name in ("slow", "once"))
    for _ in range(30):
        found = slow.go_on()
    once.looks = slow.looks[:-1]
    assert once.go_on() == found
    assert [bool(one.reason) for one in found.flights] == [n % 7 == 0 for n in range(200)]


def test_a_packet_that_has_arrived_is_not_looked_at_again(tmp_path: Path, wire: made.Wire) -> None:
    for number in range(400):
        send(wire, 0.02 * number, number, delay=0.1)
    run = Run(tmp_path, wire, Link(delay=0.1))
    patience = flights.patience([Look(0, (), (), {}, (), (), (), ())]) + 3 * 0.1
    most = 0
    for _ in range(32):
        run.go_on()
        (network,) = run.reader._networks.values()
        most = max(most, *(len(one.open) for one in network._before.values()))
    assert most <= (patience + STEP) / 0.02 + 1


def test_a_packet_that_was_taken_for_dead_lives_once_it_comes_out(
    tmp_path: Path, wire: made.Wire
) -> None:
    send(wire, 0.1, 1, delay=4.0)
    run = Run(tmp_path, wire, Link(rate=8000))
    reasons = [run.go_on().flights for _ in range(12)][-1]
    assert [one.reason for one in reasons] == ["its link's queue was full"]
    found = [run.go_on().flights for _ in range(8)][-1]
    assert [(one.reason, round(one.out or 0.0, 6)) for one in found] == [("", 4.100002)]


def test_until_a_packet_has_died_nothing_behind_it_is_certain(
    tmp_path: Path, wire: made.Wire
) -> None:
    send(wire, 0.1, 1, delay=0.01)
    send(wire, 0.6, 2, delay=0.01, dies=True)
    send(wire, 0.9, 3, delay=0.01)
    run = Run(tmp_path, wire, Link(delay=0.01))
    certain = [round(run.go_on().certain, 6) for _ in range(6)]
    assert certain == [0.0, 0.25, 0.5, 0.6, 0.6, 1.25]
