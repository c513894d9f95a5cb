"""Latencies, as a probe's record sums them up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from echolab.record.probe import Latency, latency


def test_latency_is_the_nearest_rank_and_the_mean_of_the_middle_two() -> None:
    found = latency([float(value) for value in range(1, 201)])
    assert found == Latency(min=1, median=100.5, p99=198, max=200)
    assert latency([]) is None
    assert latency([0.05]) == Latency(0.05, 0.05, 0.05, 0.05)


@given(st.lists(st.floats(0, 100, allow_nan=False), min_size=1))
def test_latencies_are_ordered_and_within_what_was_measured(times: list[float]) -> None:
    found = latency(times)
    assert found is not None
    assert min(times) == found.min <= found.median <= found.max == max(times)
    assert found.min <= found.p99 <= found.max
