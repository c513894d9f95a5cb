"""A schedule of faults as it is performed: each begun and taken back, on hosts that are made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from echolab.link import Link
from echolab.scenario.disturbance import Disturbance
from echolab.schedule import PlannedFault


class MadeUp:
    """Hosts that write down what befalls them."""

    def __init__(self) -> None:
        self.time = 10.0
        self.seen: list[str] = []
        self.dead: set[str] = set()

    def now(self) -> float:
        return self.time

    def kill(self, host: str) -> None:
        self.dead.add(host)
        self._note(f"kill {host}")

    def restart(self, host: str) -> None:
        self.dead.discard(host)
        self._note(f"restart {host}")

    def pause(self, host: str) -> None:
        assert host not in self.dead
        self._note(f"pause {host}")

    def resume(self, host: str) -> None:
        assert host not in self.dead
        self._note(f"resume {host}")

    def partition(self, *groups: str | Sequence[str]) -> None:
        self._note(f"partition {','.join(groups[0])}")

    def heal(self) -> None:
        self._note("heal")

    def reshape(self, host: str, change: Callable[[Link], Link] | None) -> None:
        assert host not in self.dead
        self._note(f"link {host} {change(Link()).delay:g}" if change else f"own link {host}")

    def _note(self, what: str) -> None:
        self.seen.append(f"{self.time - 10:g} {what}")


def performed(*faults: PlannedFault) -> list[str]:
    hosts = MadeUp()
    disturbance = Disturbance(hosts, faults, hosts.dead.__contains__, hosts.reshape)
    while (moment := disturbance.next()) is not None:
        hosts.time = max(hosts.time, moment)
        disturbance.act()
    return hosts.seen


def test_each_fault_begins_and_is_taken_back() -> None:
    assert performed(PlannedFault("kill", ("a",), 1, 2), PlannedFault("pause", ("b",), 2, 0.5)) == [
        "1 kill a",
        "2 pause b",
        "2.5 resume b",
        "3 restart a",
        "3 own link a",
    ]


def test_what_befalls_the_dead_is_left_out() -> None:
    seen = performed(
        PlannedFault("kill", ("a",), 0, 5),
        PlannedFault("kill", ("a",), 1, 1),
        PlannedFault("pause", ("a",), 1, 1),
        PlannedFault("slow", ("a",), 1, 1, 0.1),
    )
    assert seen == ["0 kill a", "5 restart a", "5 own link a"]


def test_a_host_that_dies_while_paused_is_not_resumed() -> None:
    seen = performed(PlannedFault("pause", ("a",), 0, 2), PlannedFault("kill", ("a",), 1, 3))
    assert seen == ["0 pause a", "1 kill a", "4 restart a", "4 own link a"]


def test_slow_links_add_up_and_are_taken_back_one_by_one() -> None:
    seen = performed(
        PlannedFault("slow", ("a",), 0, 2, 0.1), PlannedFault("slow", ("a",), 1, 2, 0.2)
    )
    assert seen == ["0 link a 0.1", "1 link a 0.3", "2 link a 0.2", "3 own link a"]


def test_a_link_is_slow_again_behind_a_restart() -> None:
    seen = performed(PlannedFault("slow", ("a",), 0, 4, 0.1), PlannedFault("kill", ("a",), 1, 1))
    assert seen == ["0 link a 0.1", "1 kill a", "2 restart a", "2 link a 0.1", "4 own link a"]


def test_a_partition_that_outlasts_another_is_cut_again() -> None:
    seen = performed(
        PlannedFault("partition", ("a",), 0, 3), PlannedFault("partition", ("b",), 1, 1)
    )
    assert seen == ["0 partition a", "1 partition b", "2 partition a", "3 heal"]


def test_what_is_under_way_is_taken_back_at_the_end() -> None:
    hosts = MadeUp()
    fault = PlannedFault("kill", ("a",), 0, 100)
    disturbance = Disturbance(hosts, (fault,), hosts.dead.__contains__, hosts.reshape)
    disturbance.act()
    disturbance.end()
    assert hosts.seen == ["0 kill a", "0 restart a", "0 own link a"]
    assert disturbance.next() is None


def test_a_partition_cuts_off_from_some_hosts_alone_if_these_are_named() -> None:
    hosts = MadeUp()
    groups: list[tuple[str | Sequence[str], ...]] = []
    hosts.partition = lambda *given: groups.append(given)  # type: ignore[method-assign]
    fault = PlannedFault("partition", ("a",), 0, 1)
    for apart in (("a", "b", "c"), ()):
        dead = hosts.dead.__contains__
        Disturbance(hosts, (fault,), dead, hosts.reshape, apart).act()
    assert groups == [(("a",), ("b", "c")), (("a",),)]
