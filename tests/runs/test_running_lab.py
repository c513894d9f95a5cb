"""Links in the words of the command line."""

from __future__ import annotations

import pytest

from echolab.errors import BadInput
from echolab.link import Link
from echolab.runs.running_lab import parse, words


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ("delay=50ms loss=5%", Link(delay=0.05, loss=0.05)),
        ("rate=2Mbit limit=30", Link(rate=2e6, limit=30)),
        ("delay=10ms jitter=2ms distribution=normal", Link(0.01, 0.002, "normal")),
        ("loss=10% burst=3 toward=server", Link(loss=0.1, burst=3.0, toward="server")),
    ],
)
def test_a_link_reads_back_in_the_words_in_which_it_was_given(said: str, link: Link) -> None:
    assert parse(said.split()) == (link, None)
    assert parse(words(link).split()) == (link, None)


def test_a_network_can_be_named_and_a_link_cleared() -> None:
    assert parse(["delay=1ms", "network=back"]) == (Link(delay=0.001), "back")
    assert parse(["clear", "network=back"]) == (None, "back")
    assert parse(["none"]) == (None, None)
    assert words(Link()) == "clean"


@pytest.mark.parametrize(
    "said", ["", "delay", "delay=", "delay=1ms delay=2ms", "clear delay=1ms", "loss=2", "speed=3"]
)
def test_other_words_are_refused_in_one_line(said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(said.split())
    assert "\n" not in str(caught.value)
