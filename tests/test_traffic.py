"""The commands that give a device its links, and that what tc tells is compared with them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from echolab import traffic
from echolab.errors import BadInput
from echolab.link import Link, differences
from echolab.tc import Filter, filters, qdiscs
from echolab.traffic import compare, layout, read_back, render

ADDRESSES = {"client": ("10.0.0.3",), "server": ("10.0.0.2",), "third": ("10.0.0.4",)}
BOTH = {
    "client": ("10.0.0.3", "fd00::3"),
    "server": ("10.0.0.2", "fd00::2"),
    "third": ("10.0.0.4", "fd00::4"),
}
RECORDED = Path(__file__).parent / "recorded"


def words(*given: Link, addresses: traffic.Addresses = ADDRESSES) -> list[str]:
    return [" ".join(command) for command in render(given, addresses)]


def test_a_link_for_all_packets_is_one_netem_at_the_root() -> None:
    assert words(Link(delay=0.05)) == [
        "qdisc replace dev eth0 root handle 1: netem limit 5000 delay 50ms"
    ]


def test_a_link_toward_one_host_is_a_band_that_a_filter_on_its_address_chooses() -> None:
    commands = words(Link(delay=0.01), Link(loss=1, toward="server"))
    assert commands[0].startswith("qdisc replace dev eth0 root handle 1: prio bands 2 priomap 0 0")
    assert "parent 1:1 handle 20: netem" in commands[1] and "delay 10ms" in commands[1]
    assert "parent 1:2 handle 30: netem" in commands[2] and "loss random 100%" in commands[2]
    assert commands[3].endswith("match ip dst 10.0.0.2/32 flowid 1:2")


def test_a_chosen_packet_counts_those_that_earlier_filters_did_not_take() -> None:
    commands = words(Link(drop=(3, 7)))
    assert "random determ pipe 3 " in commands[1]
    assert "random determ pipe 6 " in commands[2]
    assert commands[1].endswith("action gact trap")


def test_links_toward_several_hosts_have_a_filter_each_for_both_families() -> None:
    """With one handle for all, the last would stand in the place of the others."""
    commands = words(Link(loss=1, toward="server"), Link(delay=1, toward="third"), addresses=BOTH)
    found = [line.partition(" parent ")[2] for line in commands if line.startswith("filter")]
    assert found == [
        "1: protocol ip pref 1 handle 800::800 u32 match ip dst 10.0.0.2/32 flowid 1:2",
        "1: protocol ipv6 pref 2 handle 801::800 u32 match ip6 dst fd00::2/128 flowid 1:2",
        "1: protocol ip pref 1 handle 800::801 u32 match ip dst 10.0.0.4/32 flowid 1:3",
        "1: protocol ipv6 pref 2 handle 801::801 u32 match ip6 dst fd00::4/128 flowid 1:3",
    ]


def test_more_links_than_bands_grow_a_tree_whose_leaves_are_all_different() -> None:
    addresses = {f"h{n}": (f"10.0.{n // 250}.{n % 250 + 1}",) for n in range(700)}
    made = layout([Link(delay=0.1, toward=name) for name in addresses], addresses)
    assert len(made.leaves) == 701
    assert len({leaf.parent for leaf in made.leaves}) == 701
    handles = [leaf.handle for leaf in made.leaves] + [fork.handle for fork in made.forks]
    assert len(set(handles)) == len(handles)
    assert all(fork.bands <= 16 for fork in made.forks)
    chosen = {(one.parent, one.address): one.flow for one in made.filters}
    inner = {fork.parent: fork.handle for fork in made.forks}
    for leaf in made.leaves[1:]:
        place = "root"
        while place != leaf.parent:
            place = chosen[inner[place], addresses[leaf.link.toward or ""][0]]


def test_a_packet_by_number_counts_in_both_families_together() -> None:
    first, second = [line for line in words(Link(drop=(3,)), addresses=BOTH) if "trap" in line]
    assert "protocol ip pref 100 u32 match ip dst 0.0.0.0/0 action" in first
    assert "protocol ipv6 pref 101 u32 match ip6 dst ::/0 action" in second
    assert first.partition(" action")[2] == second.partition(" action")[2]
    assert "pipe 3 index 25600 action" in first


def test_what_ipv6_says_of_itself_is_not_counted() -> None:
    passing = [line for line in words(Link(drop=(3,)), addresses=BOTH) if line.endswith("pass")]
    assert len(passing) == 3 and all("protocol ipv6 pref 90" in line for line in passing)
    assert not [line for line in words(Link(drop=(3,))) if "ipv6" in line]


def test_every_preference_of_a_filter_that_drops_is_known() -> None:
    commands = render([Link(drop=(3, 9)), Link(drop=(1,), toward="server")], BOTH)
    assert traffic.drop_preferences(commands) == ("90", "100", "101", "102", "103", "104", "105")


@pytest.mark.parametrize(
    ("given_links", "said"),
    [
        ((Link(), Link()), "two links for the same packets"),
        ((Link(toward="server"), Link(toward="server")), "two links for the same packets"),
        ((Link(toward="nobody"),), "toward 'nobody', which is not a host"),
    ],
)
def test_links_that_contradict_each_other_are_refused(
    given_links: tuple[Link, ...], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        render(given_links, ADDRESSES)


def test_a_link_toward_a_host_without_an_address_is_refused() -> None:
    with pytest.raises(BadInput, match="toward 'lonely', which has no address of its own"):
        render([Link(toward="lonely")], {**ADDRESSES, "lonely": ()})


@pytest.mark.parametrize("path", sorted(RECORDED.glob("qdisc-*.json")), ids=lambda path: path.stem)
def test_recorded_output_of_tc_is_read_as_the_link_that_was_asked_for(path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    asked = [Link(**{**link, "drop": tuple(link.get("drop", ()))}) for link in recorded["asked"]]
    found = read_back(qdiscs(json.dumps(recorded["shown"])), layout(asked, ADDRESSES))
    for link in asked:
        assert differences(link, found[link.toward]) == ()


def test_there_is_recorded_output_to_read() -> None:
    assert len(list(RECORDED.glob("qdisc-*.json"))) >= 6


SHOWN = """\
filter protocol ip pref 1 u32 chain 0
filter protocol ip pref 1 u32 chain 0 fh 800: ht divisor 1
filter protocol ip pref 1 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 flowid 1:2 not_in_hw
  match 0a000002/ffffffff at 16
filter protocol ipv6 pref 2 u32 chain 0
filter protocol ipv6 pref 2 u32 chain 0 fh 801: ht divisor 1
filter protocol ipv6 pref 2 u32 chain 0 fh 801::800 order 2048 key ht 801 bkt 0 flowid 1:2 not_in_hw
  match fd000000/ffffffff at 24
  match 00000000/ffffffff at 28
  match 00000000/ffffffff at 32
  match 00000002/ffffffff at 36
"""


def test_the_filters_that_tc_prints_are_read_in_both_families() -> None:
    assert filters(SHOWN, "1:") == (
        Filter("1:", "10.0.0.2", "1:2"),
        Filter("1:", "fd00::2", "1:2"),
    )


def test_a_filter_that_is_missing_or_leads_elsewhere_is_found_out() -> None:
    made = layout([Link(loss=1, toward="server"), Link(delay=0.01)], BOTH)
    recorded = json.loads((RECORDED / "qdisc-toward.json").read_text(encoding="utf-8"))
    shown = qdiscs(json.dumps(recorded["shown"]))
    assert compare(made, shown, made.filters) == ()
    assert compare(made, shown, made.filters[:1]) == (
        "the kernel has no filter that leads fd00::2 to 1:2",
    )
    wrong = [dataclasses.replace(one, flow="1:1") for one in made.filters[:1]]
    assert len(compare(made, shown, [*made.filters, *wrong])) == 1


def test_the_drop_filter_has_room_in_the_kernel_for_its_actions() -> None:
    """TCA_ACT_MAX_PRIO (include/uapi/linux/pkt_cls.h) allows 32 actions a filter."""
    drop = render([Link(drop=(1,))], ADDRESSES)[1]
    assert drop.count("action") == traffic.HALVINGS + 2 <= 32
