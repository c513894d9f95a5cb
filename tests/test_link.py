"""The link: what it refuses, what it renders, and that it reads itself back."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echolab import link as links
from echolab.errors import BadInput
from echolab.link import Link, differences, gilbert, read_back, render

ADDRESSES = {"client": "10.0.0.3", "server": "10.0.0.2", "third": "10.0.0.4"}
RECORDED = Path(__file__).parent / "recorded"


def words(*given: Link) -> list[str]:
    return [" ".join(command) for command in render(given, ADDRESSES)]


def test_a_delay_with_loss_is_one_netem_at_the_root() -> None:
    assert words(Link(delay=0.05, loss=0.1)) == [
        "qdisc replace dev eth0 root handle 1: netem limit 5000 delay 50ms loss random 10%"
    ]


def test_a_burst_is_a_gilbert_model_whose_mean_run_and_rate_are_those_asked_for() -> None:
    enter, leave = gilbert(0.1, 5)
    assert leave == pytest.approx(1 / 5)
    assert enter / (enter + leave) == pytest.approx(0.1)
    assert "loss gemodel 2.222222222% 20%" in words(Link(loss=0.1, burst=5))[0]


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


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"delay": 0.01, "jitter": 0.02}, "jitter of 0.02 s is larger than the delay"),
        ({"reorder": 0.5}, "reorder without delay"),
        ({"loss": 1.5}, "loss of 1.5 is no probability"),
        ({"loss": float("nan")}, "is no probability"),
        ({"delay": -1}, "delay of -1 s is out of range"),
        ({"rate": 1}, "rate of 1 bit/s is out of range"),
        ({"limit": 0}, "limit of 0 packets"),
        ({"burst": 3}, "burst needs"),
        ({"loss": 0.9, "burst": 2}, "cannot come in runs of 2"),
        ({"drop": (0,)}, "drop of packet 0"),
        ({"distribution": "normal"}, "without jitter"),
        ({"delay": 1, "jitter": 1, "distribution": "bell"}, "no distribution 'bell'"),
    ],
)
def test_a_foolish_link_is_refused_in_one_line(values: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as caught:
        Link(**values)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value) and caught.value.remedy


def test_what_is_allowed_but_probably_not_meant_is_warned_of() -> None:
    assert "100 %" in Link(loss=1).warnings()[0]
    assert "limit of 2 packets is below" in Link(rate=1e7, delay=0.1, limit=2).warnings()[0]
    assert "overtakes" in Link(delay=0.1, jitter=0.01).warnings()[0]
    assert Link(loss=1, toward="server").warnings() == ()
    assert Link(delay=0.05, loss=0.1).warnings() == ()


@pytest.mark.parametrize(
    ("given_links", "said"),
    [
        ((Link(), Link()), "two links for the same packets"),
        ((Link(toward="server"), Link(toward="server")), "two links for the same packets"),
        ((Link(toward="nobody"),), "toward 'nobody', which is no host"),
    ],
)
def test_links_that_contradict_each_other_are_refused(
    given_links: tuple[Link, ...], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        render(given_links, ADDRESSES)


def test_more_links_toward_hosts_than_bands_are_refused() -> None:
    addresses = {f"h{number}": f"10.0.1.{number}" for number in range(17)}
    toward = [Link(delay=0.1, toward=name) for name in addresses]
    with pytest.raises(BadInput, match="at most 15"):
        render(toward, addresses)


chances = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 6))
usable = st.builds(
    dict,
    delay=st.floats(0.001, 10).map(lambda value: round(value, 6)),
    loss=chances,
    duplicate=chances,
    reorder=chances,
    corrupt=chances,
    rate=st.none() | st.integers(8_000, 10**10).map(lambda bits: float(bits // 8 * 8)),
    limit=st.none() | st.integers(1, 10**6),
)


def as_the_kernel_prints(link: Link) -> dict[str, object]:
    """The JSON that tc prints for the words that the link renders."""
    text = link.netem()
    values = dict(itertools.pairwise(text))

    def share(name: str) -> float:
        return float(values[name].rstrip("%")) / 100 if name in values else 0.0

    options: dict[str, object] = {"limit": int(values["limit"])}
    if "delay" in values:
        options["delay"] = {"delay": float(values["delay"].removesuffix("ms")) / 1e3}
    if "random" in values:
        options["loss-random"] = {"loss": share("random")}
    for name in ("duplicate", "reorder", "corrupt"):
        options[name] = {name: share(name)}
    if "rate" in values:
        options["rate"] = {"rate": int(values["rate"].removesuffix("bit")) // 8}
    return {"kind": "netem", "root": True, "options": options}


@given(usable)
def test_every_link_reads_itself_back_from_what_it_rendered(values: dict[str, object]) -> None:
    link = Link(**values)  # type: ignore[arg-type]
    (found,) = read_back([as_the_kernel_prints(link)])
    assert differences(link, found) == ()


@given(usable, st.floats(0.01, 0.5))
def test_a_kernel_that_has_another_loss_is_found_out(
    values: dict[str, object], less: float
) -> None:
    link = Link(**{**values, "loss": 0.6})  # type: ignore[arg-type]
    kernel = as_the_kernel_prints(Link(**{**values, "loss": 0.6 - less}))  # type: ignore[arg-type]
    (found,) = read_back([kernel])
    assert [line.partition(":")[0] for line in differences(link, found)] == ["loss"]


@pytest.mark.parametrize("path", sorted(RECORDED.glob("qdisc-*.json")), ids=lambda path: path.stem)
def test_recorded_output_of_tc_is_read_as_the_link_that_was_asked_for(path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    asked = [Link(**{**link, "drop": tuple(link.get("drop", ()))}) for link in recorded["asked"]]
    peers = [link.toward for link in asked if link.toward]
    found = {link.toward: link for link in read_back(recorded["shown"], peers)}
    for link in asked:
        assert differences(link, found[link.toward]) == ()


def test_there_is_recorded_output_to_read() -> None:
    assert len(list(RECORDED.glob("qdisc-*.json"))) >= 6


def test_the_drop_filter_has_room_in_the_kernel_for_its_actions() -> None:
    """TCA_ACT_MAX_PRIO (include/uapi/linux/pkt_cls.h) allows 32 actions a filter."""
    assert render([Link(drop=(1,))], ADDRESSES)[1].count("action") == links.HALVINGS + 2 <= 32
