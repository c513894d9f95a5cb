"""The hosts of Maelstrom's programs: their Compose file, neighbours, and what a user may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from echolab.errors import BadInput
from echolab.maelstrom import asked, hosts
from echolab.runs import catalogue
from echolab.schedule import parse

NINE = hosts.names(9)


def edges(topology: str) -> set[tuple[str, str]]:
    found = hosts.neighbours(topology, NINE)
    assert all(one in found[other] for one in NINE for other in found[one])
    return {(one, other) for one in NINE for other in found[one] if one < other}


def test_neighbours_are_those_of_the_topology() -> None:
    assert len(edges("total")) == 36
    assert edges("line") == {(f"n{number}", f"n{number + 1}") for number in range(1, 9)}
    assert len(edges("grid")) == 12
    assert hosts.neighbours("grid", NINE)["n5"] == ["n2", "n4", "n6", "n8"]
    assert hosts.neighbours("tree3", NINE)["n2"] == ["n1", "n5", "n6", "n7"]
    with pytest.raises(BadInput, match="no topology 'ring'"):
        edges("ring")


def test_a_compose_file_has_nodes_a_client_for_each_and_the_services(tmp_path: Path) -> None:
    topology = catalogue.topology(asked.compose_file(2, tmp_path))
    assert topology.names() == ("n1", "n2", "c0", "c1", *hosts.SERVICES)
    with pytest.raises(BadInput, match="33 nodes"):
        asked.compose_file(33, tmp_path)


def test_cuts_and_rests_take_turns_and_leave_nodes_on_either_side() -> None:
    faults = [parse(text) for text in asked.cuts(5, "10s", "2s", 1)]
    assert [(one.kind, one.at, one.lasts) for one in faults] == [
        ("partition", 2, 2),
        ("partition", 6, 2),
    ]
    assert all(1 <= len(one.hosts) <= 2 for one in faults)
    assert list(asked.cuts(5, "10s", "2s", 1)) == [str(one) for one in faults]
    for nodes, interval in ((1, "2s"), (5, "0")):
        with pytest.raises(BadInput):
            list(asked.cuts(nodes, "10s", interval, 1))


def test_what_is_asked_is_checked_before_a_lab_is_up(tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.touch(0o644)
    wrong = {
        "no workload 'ecko'": asked.Asked("ecko", program, (), {}),
        "no program": asked.Asked("echo", tmp_path / "none", (), {}),
        "cannot be executed": asked.Asked("echo", program, (), {}),
        "no distribution 'exponential'": asked.Asked(
            "echo", program, (), {"distribution": "exponential"}
        ),
        "only availability": asked.Asked("echo", program, (), {"available": "some"}),
    }
    for message, one in wrong.items():
        with pytest.raises(BadInput, match=message):
            one.check()
    program.chmod(0o755)
    with pytest.raises(BadInput, match="closed to other users"):
        asked.Asked("echo", program, (), {}).check()
    tmp_path.chmod(0o755)
    right = asked.Asked("echo", program, ("-x", "a b"), {"rate": "7"})
    right.check()
    assert right.settings() == (
        "workload=echo",
        f"program={program}",
        'words=["-x", "a b"]',
        "rate=7",
    )
