"""The link: what it refuses, its words for netem, and that it reads itself back."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from echolab.errors import BadInput
from echolab.link import Link, differences, from_netem, gilbert
from echolab.tc import qdiscs


def words(link: Link) -> str:
    return " ".join(link.netem())


def test_a_delay_with_loss_is_in_the_words_of_netem() -> None:
    assert words(Link(delay=0.05, loss=0.1)) == "limit 5000 delay 50ms loss random 10%"


def test_a_burst_is_a_gilbert_model_whose_mean_run_and_rate_are_those_asked_for() -> None:
    enter, leave = gilbert(0.1, 5)
    assert leave == pytest.approx(1 / 5)
    assert enter / (enter + leave) == pytest.approx(0.1)
    assert "loss gemodel 2.222222222% 20%" in words(Link(loss=0.1, burst=5))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"delay": 0.01, "jitter": 0.02}, "jitter of 0.02 s is larger than the delay"),
        ({"reorder": 0.5}, "reorder without delay"),
        ({"loss": 1.5}, "loss of 1.5 is not a probability"),
        ({"loss": float("nan")}, "is not a probability"),
        ({"delay": -1}, "delay of -1 s is out of range"),
        ({"rate": 1}, "rate of 1 bit/s is out of range"),
        ({"limit": 0}, "limit of 0 packets is out of range"),
        ({"burst": 3}, "burst needs"),
        ({"loss": 0.9, "burst": 2}, "is impossible in bursts of 2"),
        ({"drop": (0,)}, "cannot drop packet 0"),
        ({"distribution": "normal"}, "without jitter"),
        ({"delay": 1, "jitter": 1, "distribution": "bell"}, "unknown distribution 'bell'"),
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


chances = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 6))
usable: st.SearchStrategy[dict[str, Any]] = st.builds(
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


def found(shown: dict[str, object]) -> Link:
    (qdisc,) = qdiscs(json.dumps([shown]))
    assert qdisc.netem is not None
    return from_netem(qdisc.netem)


@given(usable)
@example({"delay": 10.0, "rate": 1e10})
def test_every_link_reads_itself_back_from_what_it_rendered(values: dict[str, object]) -> None:
    link = Link(**values)  # type: ignore[arg-type]
    assert differences(link, found(as_the_kernel_prints(link))) == ()


def test_a_queue_that_cannot_hold_what_is_under_way_is_warned_about() -> None:
    """A link so fast and so long that its packets are more than a queue may hold."""
    link = Link(rate=1e11, delay=4.0)
    assert link.packets() == 10_000_000
    assert any("below rate times delay" in line for line in link.warnings())


@given(usable, st.floats(0.01, 0.5))
def test_a_kernel_that_has_another_loss_is_found_out(
    values: dict[str, object], less: float
) -> None:
    link = Link(**{**values, "loss": 0.6})  # type: ignore[arg-type]
    kernel = as_the_kernel_prints(Link(**{**values, "loss": 0.6 - less}))  # type: ignore[arg-type]
    assert [line.partition(":")[0] for line in differences(link, found(kernel))] == ["loss"]


@pytest.mark.parametrize(
    "link",
    [Link(rate=1e6 / 3), Link(delay=0.1 / 3), Link(delay=1 / 7, jitter=0.1 / 3), Link(loss=1 / 3)],
)
def test_what_tc_rounds_is_no_difference(link: Link) -> None:
    """Rates are kept in bytes a second (tc(8)), times in nanoseconds, shares in 32 bits."""
    rate = link.rate and link.rate // 8 * 8
    kept = dataclasses.replace(link, rate=rate, delay=round(link.delay, 9))
    assert differences(link, kept) == ()


def test_a_rate_that_is_a_byte_a_second_off_is_a_difference() -> None:
    assert differences(Link(rate=1e5), Link(rate=1e5 - 8.1)) != ()
