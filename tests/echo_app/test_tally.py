"""What becomes of messages: one rule for every protocol, checked against a plain model."""

from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from echo_app.tally import Tally, measure, summarize

TIMEOUT = 100

History = tuple[int, list[tuple[int, int]]]
"""How many messages were sent, and the moment and number of each reply."""


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Sendings at 0, 10, 20, … and replies to them at any later time, in order of time."""
    count = draw(st.integers(1, 30))
    replies = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, 300)), max_size=80))
    arrivals = sorted((number * 10 + latency, number) for number, latency in replies)
    return count, arrivals


def play(history: History) -> Tally:
    count, arrivals = history
    tally = Tally(count, TIMEOUT)
    for number in range(count):
        tally.leave(number, number * 10)
    for at, number in arrivals:
        assert tally.arrive(number, at)
    return tally


@given(histories())
def test_every_message_has_one_fate(history: History) -> None:
    """Delivered, late and lost add up to the messages, by the first reply's latency."""
    count, arrivals = history
    tally = play(history)
    summary = summarize(tally.exchanges())
    assert summary.delivered + summary.late + summary.lost == summary.messages == count
    first = {number: at for at, number in reversed(arrivals)}
    prompt = sum(at - number * 10 <= TIMEOUT for number, at in first.items())
    assert (summary.delivered, summary.late) == (prompt, len(first) - prompt)
    assert tally.all_settled() == (len(first) == count)


@given(histories())
def test_every_reply_is_a_first_one_or_a_duplicate(history: History) -> None:
    """Replies = answered + duplicates, and the orders are 0, 1, 2, … without a gap."""
    exchanges = play(history).exchanges()
    summary = summarize(exchanges)
    assert summary.delivered + summary.late + summary.duplicated == len(history[1])
    orders = sorted(one.order for one in exchanges if one.order is not None)
    assert orders == list(range(summary.delivered + summary.late))


@given(histories())
def test_out_of_order_is_what_a_higher_number_overtook(history: History) -> None:
    """A first reply is out of order if any first reply before it has a higher number."""
    seen: list[int] = []
    expected = 0
    for _, number in history[1]:
        if number not in seen:
            expected += any(other > number for other in seen)
            seen.append(number)
    assert summarize(play(history).exchanges()).out_of_order == expected


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300))
def test_latencies_are_measured_as_statistics_does(latencies: list[int]) -> None:
    """Median as in the standard library; the 99th percentile by its definition."""
    found = measure(latencies)
    assert found is not None
    assert (found.min, found.max) == (min(latencies), max(latencies))
    assert found.median == statistics.median(latencies)
    share = sum(value <= found.p99 for value in latencies)
    assert share * 100 >= 99 * len(latencies)
    smaller = [value for value in latencies if value < found.p99]
    assert len(smaller) * 100 < 99 * len(latencies)


def test_nothing_answered_has_no_latency() -> None:
    """A missing latency is None, not zero."""
    assert measure([]) is None
    assert summarize(Tally(3, TIMEOUT).exchanges()).latency is None


def test_a_reply_to_what_was_not_sent_is_refused() -> None:
    """A number too high, or of a message that has not left, is nobody's reply."""
    tally = Tally(2, TIMEOUT)
    tally.leave(0, 5)
    assert not tally.arrive(1, 10)
    assert not tally.arrive(2, 10)
    assert tally.arrive(0, 10)


def test_a_reply_outweighs_an_error_that_came_before() -> None:
    """ICMP may refuse one copy of a message while another is answered."""
    tally = Tally(1, TIMEOUT)
    tally.leave(0, 0)
    tally.fail(0, "refused")
    assert tally.all_settled()
    tally.arrive(0, 50)
    (exchange,) = tally.exchanges()
    assert (exchange.fate, exchange.why) == ("delivered", "")
    assert tally.all_settled()


def test_the_first_reason_of_a_loss_stays() -> None:
    """How the probe ended does not replace the first reason."""
    tally = Tally(2, TIMEOUT)
    tally.leave(0, 0)
    tally.fail(0, "refused")
    tally.abandon("not answered")
    assert [one.why for one in tally.exchanges()] == ["refused", "not answered"]


def test_exactly_at_the_timeout_is_in_time() -> None:
    """Late means after the timeout."""
    tally = Tally(2, TIMEOUT)
    for number, latency in ((0, TIMEOUT), (1, TIMEOUT + 1)):
        tally.leave(number, 0)
        tally.arrive(number, latency)
    assert [one.fate for one in tally.exchanges()] == ["delivered", "late"]
