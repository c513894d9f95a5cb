"""A run whose clock is held: how far it goes, what is seen of it, and that it repeats."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from echolab.engines.exact import engine
from echolab.errors import BadInput
from echolab.intervention import Intervention
from echolab.record import PASS, Record
from echolab.runs import execute, replay
from echolab.runs.folders import read
from echolab.runs.plan import PlannedRun
from echolab.settings import Settings
from echolab.watch import flights
from echolab.watch.flights import Flight
from echolab.watch.session import STEP, Seen, Session, WatchedRun

pytestmark = pytest.mark.exact

LONGEST = 60.0


class Watcher:
    """A session, and somebody who waits for what is to be seen."""

    def __init__(
        self,
        planned: PlannedRun,
        out: Path,
        settings: Settings,
        furnish: Callable[[Path], None] | None = None,
    ) -> None:
        self._changed = threading.Event()
        self.session = Session(planned, out, settings, self._changed.set, furnish)

    def until(self, second: float) -> Seen:
        """What is seen when the run has come to a lab second, or has ended."""
        return self.reach(self.session.run, second)

    def reach(self, run: WatchedRun, second: float) -> Seen:
        """What is seen of one of the session's runs then."""
        run.want(second)
        while True:
            self._changed.clear()
            seen = run.seen()
            if (seen.opening and seen.horizon >= second) or run.ended:
                return run.seen()
            assert self._changed.wait(LONGEST), "the run told nothing"


@pytest.fixture
def watcher(planned: PlannedRun, out: Path, settings: Settings) -> Iterator[Watcher]:
    found = Watcher(planned, out, settings)
    with contextlib.closing(found.session):
        yield found


def test_a_run_goes_as_far_as_it_is_wanted_and_then_stands_still(watcher: Watcher) -> None:
    seen = watcher.until(0.5)
    assert 0.5 <= seen.horizon < 0.5 + 2 * STEP
    assert seen.record is None
    assert all(one.sent <= seen.horizon + STEP for one in seen.flights)
    assert watcher.session.run.seen().horizon == seen.horizon


def test_a_run_goes_on_that_was_looked_at_before_its_clock_was_held(
    planned: PlannedRun, out: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads first that the run has begun, it goes as far as it is wanted."""
    held = WatchedRun._held

    def looked_at(run: WatchedRun, moment: int) -> None:
        run.seen()
        held(run, moment)

    monkeypatch.setattr(WatchedRun, "_held", looked_at)
    watcher = Watcher(planned, out, settings)
    with contextlib.closing(watcher.session):
        assert watcher.until(0.5).horizon >= 0.5


def test_a_run_comes_to_its_end_that_tells_nothing_of_its_last_second(
    planned: PlannedRun, out: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scenario's end is the end of its looks, but programs and packets may go on."""
    told = WatchedRun._read

    def read_first(run: WatchedRun) -> None:
        if len(run._looks) < 3:
            told(run)

    monkeypatch.setattr(WatchedRun, "_read", read_first)
    watcher = Watcher(planned, out, settings)
    with contextlib.closing(watcher.session):
        seen = watcher.until(1000.0)
        assert seen.record is not None, seen.error


def test_a_packet_is_under_way_from_its_hand_over_until_its_delay_has_passed(
    watcher: Watcher,
) -> None:
    seen = watcher.until(1.0)
    delayed = [one for one in seen.flights if one.source == "client" and one.kind == "datagram"]
    times = [one.out - one.sent for one in delayed if one.out is not None]
    assert any(abs(time - 0.05) < 1e-6 for time in times)
    assert {one.targets for one in delayed} == {("server",)}


def _unwatched(planned: PlannedRun, folder: Path, settings: Settings) -> Record:
    """The record of the same job, performed as every run is."""
    executed = list(execute.execute([planned], engine, folder, settings, lambda line: None))
    assert executed[0].record is not None, executed[0].error
    return executed[0].record


def test_a_run_with_interventions_repeats_to_the_byte_without_anybody_who_watches(
    watcher: Watcher, planned: PlannedRun, settings: Settings, tmp_path: Path
) -> None:
    watcher.until(0.5)
    deeds = [
        Intervention("cut", 0.35, "client"),
        Intervention("heal", 0.55),
        Intervention("loss", 0.75, "client", amount=0.5),
        Intervention("pause", 0.8, "server"),
        Intervention("resume", 0.9, "server"),
        Intervention("send", 0.95, "client", target="server", text="hello"),
    ]
    watcher.session.intervene(deeds, 1.0)
    seen = watcher.until(1000.0)
    assert seen.record is not None, seen.error
    reasons = {one.reason for one in seen.flights if 0.35 < one.sent < 0.55}
    assert "the network is cut" in reasons
    assert any(bytes.fromhex(one.data).endswith(b"hello") for one in seen.flights)
    folder = watcher.session.close()
    assert folder is not None
    kept = read(folder)
    assert kept.interventions == tuple(deeds)
    again = replay.plan(kept)
    executed = list(execute.execute([again], engine, tmp_path / "again", settings, print))
    assert replay.difference((kept, folder), executed[0]) is None


def test_a_run_that_nobody_touches_is_the_run_that_nobody_watches(
    watcher: Watcher, planned: PlannedRun, settings: Settings, tmp_path: Path
) -> None:
    seen = watcher.until(1000.0)
    assert seen.record is not None, seen.error
    assert seen.record.verdict == PASS
    plain = _unwatched(planned, tmp_path / "plain", settings)
    assert [one.sha256 for one in plain.captures] == [one.sha256 for one in seen.record.captures]
    assert plain.lab_seconds == seen.record.lab_seconds


def test_what_cannot_be_done_is_told_and_the_run_goes_on(watcher: Watcher) -> None:
    watcher.until(0.25)
    watcher.session.intervene([Intervention("pause", 0.3, "nobody")], 0.5)
    seen = watcher.until(0.75)
    assert any("nobody" in line for line in seen.looks[-1].said)


def test_a_run_that_is_given_up_leaves_nothing(
    planned: PlannedRun, out: Path, settings: Settings
) -> None:
    watcher = Watcher(planned, out, settings)
    watcher.until(0.25)
    guest = watcher.session.run._guest
    assert guest is not None
    assert watcher.session.close() is None
    assert list(out.iterdir()) == []
    assert not Path(f"/proc/{guest.pid}").exists()


def test_two_runs_that_are_watched_do_not_meet(
    planned: PlannedRun, out: Path, settings: Settings
) -> None:
    other = dataclasses.replace(planned, job=dataclasses.replace(planned.job, seed=4))
    one, two = Watcher(planned, out, settings), Watcher(other, out, settings)
    with contextlib.closing(one.session), contextlib.closing(two.session):
        assert one.until(0.5).record is None
        assert two.until(1000.0).record is not None
        assert one.session.run.seen().horizon < 1.0


def _first_of(seen: Seen, source: str, after: float) -> Flight:
    """The first datagram of a host's after a lab second."""
    return next(
        one
        for one in seen.flights
        if one.source == source and one.kind == "datagram" and one.sent > after
    )


def test_a_packet_that_somebody_lets_die_under_way_is_the_only_one_that_dies(
    watcher: Watcher,
) -> None:
    before = watcher.until(1.0)
    chosen = _first_of(before, "client", 0.3)
    deed = flights.deed(
        before.flights, before.looks, "drop_packet", chosen.key, chosen.sent + 0.02, 0.0
    )
    assert deed.at == chosen.sent + 0.02
    watcher.session.intervene([deed], 1.0)
    seen = watcher.until(1000.0)
    died = [one for one in seen.flights if one.reason]
    assert [(one.key, one.out) for one in died] == [(chosen.key, deed.at)]
    assert "let it die" in died[0].reason
    assert seen.record is not None
    assert seen.record.probes[0].delivered == 9


def test_a_packet_that_somebody_holds_up_comes_later_by_just_that(
    watcher: Watcher,
) -> None:
    before = watcher.until(1.0)
    chosen = _first_of(before, "server", 0.3)
    deed = flights.deed(
        before.flights, before.looks, "delay_packet", chosen.key, chosen.sent + 9.0, 0.25
    )
    assert deed.at < chosen.sent + 0.001, "it leaves at once, so it was done then"
    watcher.session.intervene([deed], 1.0)
    seen = {one.key: one for one in watcher.until(1.0).flights}
    assert chosen.out is not None
    assert seen[chosen.key].out == pytest.approx(chosen.out + 0.25, abs=1e-6)
    others = [one for one in before.flights if one.out and one.out < chosen.out]
    assert others
    assert [seen[one.key].out for one in others] == [one.out for one in others]


def test_of_packets_that_are_the_same_byte_for_byte_the_chosen_one_dies(
    watcher: Watcher, settings: Settings
) -> None:
    alike = [
        Intervention("send", 0.3 + 0.01 * number, "client", target="server", text="same")
        for number in range(5)
    ]
    watcher.session.intervene(alike, 1.0)
    before = watcher.until(1.0)
    same = [one for one in before.flights if bytes.fromhex(one.data).endswith(b"same")]
    same = [one for one in same if one.source == "client"]
    assert len(same) == 5
    deed = flights.deed(before.flights, before.looks, "drop_packet", same[2].key, 0.345, 0.0)
    watcher.session.intervene([*alike, deed], 1.0)
    seen = watcher.until(1.0)
    assert [one.key for one in seen.flights if one.reason] == [same[2].key]


def test_a_packet_that_its_link_loses_or_that_is_not_there_cannot_be_chosen(
    watcher: Watcher,
) -> None:
    seen = watcher.until(0.5)
    with pytest.raises(BadInput, match="no such packet"):
        flights.deed(seen.flights, seen.looks, "drop_packet", "nowhere", 0.3, 0.0)
    lost = dataclasses.replace(seen.flights[-1], left=None)
    with pytest.raises(BadInput, match="its link does not let"):
        flights.deed([lost], (), "drop_packet", lost.key, 0.3, 0.0)


@pytest.fixture(scope="module")
def ten_deeds(
    planned: PlannedRun, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Sequence[Intervention]:
    """Ten deeds, three of which single packets out."""
    watcher = Watcher(planned, tmp_path_factory.mktemp("deeds"), settings)
    with contextlib.closing(watcher.session):
        seen = watcher.until(1.0)
    before = seen.flights
    chosen = [
        (one.key, one.sent) for one in before if one.source == "client" and one.kind == "datagram"
    ]
    return [
        flights.deed(before, seen.looks, "drop_packet", chosen[1][0], chosen[1][1] + 0.01, 0.0),
        flights.deed(before, seen.looks, "delay_packet", chosen[2][0], chosen[2][1] + 0.01, 0.3),
        flights.deed(before, seen.looks, "drop_packet", chosen[3][0], chosen[3][1] + 0.049, 0.0),
        Intervention("cut", 0.62, "client"),
        Intervention("heal", 0.66),
        Intervention("loss", 0.7, "client", amount=0.5),
        Intervention("pause", 0.75, "server"),
        Intervention("resume", 0.9, "server"),
        Intervention("send", 0.95, "client", target="server", text="hello"),
        Intervention("loss", 1.0, "client", amount=0.0),
    ]


@pytest.mark.parametrize("pace", [0.01, 0.13, 1000.0])
def test_ten_interventions_at_any_pace_give_the_bytes_that_a_replay_gives(
    pace: float,
    ten_deeds: Sequence[Intervention],
    planned: PlannedRun,
    settings: Settings,
    tmp_path: Path,
) -> None:
    """`pace` is by how many lab seconds at a time the run is let on."""
    watcher = Watcher(planned, tmp_path / "runs", settings)
    with contextlib.closing(watcher.session):
        watcher.session.intervene(ten_deeds, 0.0)
        moment = 0.0
        while not watcher.session.run.ended:
            moment += pace
            watcher.until(moment)
        folder = watcher.session.close()
    assert folder is not None
    kept = read(folder)
    assert list(kept.interventions) == list(ten_deeds)
    executed = list(
        execute.execute([replay.plan(kept)], engine, tmp_path / "again", settings, print)
    )
    assert replay.difference((kept, folder), executed[0]) is None


def test_with_calls_followed_the_call_that_a_program_waits_in_is_known_at_every_moment(
    watcher: Watcher, settings: Settings, tmp_path: Path
) -> None:
    watcher.session.follow(0.5)
    seen = watcher.until(1000.0)
    assert seen.record is not None, seen.error
    (server,) = {one.number for look in seen.looks for one in look.programs if one.host == "server"}
    arrived = next(one for one in seen.flights if one.source == "client" and one.sent > 0.3)
    waited = [
        one for one in seen.calls if one.program == server and one.at < 0.3 < (one.until or 0)
    ]
    assert waited
    assert all(one.text.endswith("(…)") or "recv" in one.text for one in waited)
    assert {one.file for one in waited} == {"echo_app/datagram_server.py"}
    sent = [one for one in seen.calls if one.text.startswith("send(")]
    assert any(abs(one.at - arrived.sent) < 1e-6 for one in sent)
    folder = watcher.session.close()
    assert folder is not None
    kept = read(folder)
    assert kept.followed
    again = replay.plan(kept)
    executed = list(execute.execute([again], engine, tmp_path / "again", settings, print))
    assert replay.difference((kept, folder), executed[0]) is None


def test_what_if_not_is_the_run_without_one_deed_beside_the_run_with_it(watcher: Watcher) -> None:
    cut, heal = Intervention("cut", 0.35, "client"), Intervention("heal", 0.55)
    watcher.session.intervene([cut, heal], 1.0)
    watcher.session.compare(cut, 1.0)
    seen = watcher.until(1.0)
    other = watcher.session.other
    assert other is not None
    there = watcher.reach(other, 1.0)
    assert [one.reason for one in seen.flights if 0.35 < one.sent < 0.5] != []
    assert not [one for one in there.flights if one.reason]
    before = [one for one in seen.flights if one.out is not None and one.out < 0.35]
    assert before == [one for one in there.flights if one.out is not None and one.out < 0.35]
    folder = other.folder
    watcher.session.compare(None, 1.0)
    assert watcher.session.other is None
    assert not folder.exists()
    with pytest.raises(BadInput, match="nobody did that"):
        watcher.session.compare(Intervention("kill", 0.1, "client"), 1.0)
