"""The kernel's netem does what theory says: thousands of packets for each kind of damage.

Each test is made to give a false alarm at most once in a million runs; the seed is fixed
all the same, so that a failure can be repeated.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from scipy import stats

from echolab.job import Job
from echolab.judge.binomial import two_sided
from echolab.judge.verdicts import FALSE_ALARM
from echolab.record import Record

pytestmark = pytest.mark.exact

PerformAll = Callable[[Sequence[Job]], list[Record]]


@pytest.fixture(scope="module")
def records(perform_all: PerformAll, jobs: Callable[..., Iterator[Job]]) -> Mapping[str, Record]:
    """The records of theory.py by scenario."""
    performed = perform_all(tuple(jobs(Path(__file__).with_name("theory.py"))))
    return {record.scenario: record for record in performed}


def latencies(record: Record) -> list[float]:
    exchanges = record.probes[0].exchanges
    return [exchange.latency for exchange in exchanges if exchange.latency is not None]


def likely(seen: int, of: int, chance: float) -> bool:
    return two_sided(seen, of, chance) >= FALSE_ALARM


def test_every_run_proves_its_own_network(records: Mapping[str, Record]) -> None:
    failed = {
        name: [check for check in record.checks if check.verdict != "pass"]
        for name, record in records.items()
    }
    assert not any(failed.values()), failed


def test_a_delay_of_50_ms_adds_50_ms(records: Mapping[str, Record]) -> None:
    seen = latencies(records["delay"])
    assert len(seen) == 2000
    assert min(seen) >= 0.05
    assert max(seen) < 0.05 + 20e-6


def test_uniform_jitter_is_uniform(records: Mapping[str, Record]) -> None:
    seen = latencies(records["uniform"])
    assert stats.kstest(seen, stats.uniform(0.03, 0.04).cdf).pvalue > FALSE_ALARM


def test_normal_jitter_is_normal(records: Mapping[str, Record]) -> None:
    seen = latencies(records["normal"])
    assert stats.kstest(seen, stats.norm(0.05, 0.005).cdf).pvalue > FALSE_ALARM


def test_the_two_jitters_are_told_apart(records: Mapping[str, Record]) -> None:
    seen = latencies(records["uniform"])
    deviation = 0.02 / 3**0.5
    assert stats.kstest(seen, stats.norm(0.05, deviation).cdf).pvalue < FALSE_ALARM


def test_random_loss_is_independent_of_the_loss_before(records: Mapping[str, Record]) -> None:
    fates = [exchange.fate for exchange in records["loss"].probes[0].exchanges]
    assert likely(fates.count("lost"), len(fates), 0.1)
    after = [now for then, now in itertools.pairwise(fates) if then == "lost"][:200]
    assert likely(after.count("lost"), len(after), 0.1)


def test_bursts_follow_the_gilbert_model(records: Mapping[str, Record]) -> None:
    """Entered with chance r*p/(1-p) = 1/45, left with r = 1/5, at each packet."""
    fates = [exchange.fate for exchange in records["gilbert"].probes[0].exchanges]
    after_loss = [now for then, now in itertools.pairwise(fates) if then == "lost"][:400]
    after_delivery = [now for then, now in itertools.pairwise(fates) if then != "lost"][:4000]
    assert likely(after_loss.count("lost"), len(after_loss), 0.8)
    assert likely(after_delivery.count("lost"), len(after_delivery), 1 / 45)


def test_run_lengths_of_bursts_are_geometric(records: Mapping[str, Record]) -> None:
    fates = [exchange.fate for exchange in records["gilbert"].probes[0].exchanges]
    runs = [len(list(run)) for fate, run in itertools.groupby(fates) if fate == "lost"][:100]
    for length in range(1, 8):
        longer = sum(run > length for run in runs)
        assert likely(longer, len(runs), 0.8**length), length


def test_duplicates_appear_as_often_as_asked(records: Mapping[str, Record]) -> None:
    twice = [exchange.duplicates for exchange in records["duplicate"].probes[0].exchanges]
    assert set(twice) == {0, 1}
    assert likely(sum(twice), len(twice), 0.1)


def test_reordered_packets_pass_without_delay(records: Mapping[str, Record]) -> None:
    seen = latencies(records["reorder"])
    quick = sum(latency < 0.001 for latency in seen)
    assert likely(quick, 5000, 0.1)
    assert all(latency < 0.001 or 0.05 <= latency < 0.0501 for latency in seen)
    assert records["reorder"].probes[0].out_of_order > 0


def test_damage_becomes_loss(records: Mapping[str, Record]) -> None:
    """All but the 6 bytes of the sender's Ethernet address are under some checksum."""
    probe = records["corrupt"].probes[0]
    assert likely(probe.lost, 5000, 0.1 * (1 - 6 / (14 + 20 + 8 + 500)))
    assert not probe.errors


def test_a_rate_spaces_packets_by_their_length(records: Mapping[str, Record]) -> None:
    """250 bytes with all headers take 2 ms at 1 Mbit/s."""
    exchanges = records["rate"].probes[0].exchanges
    received = [exchange.received for exchange in exchanges if exchange.received is not None]
    gaps = [then - now for now, then in itertools.pairwise(received)]
    assert len(gaps) == 999
    assert max(abs(gap - 0.002) for gap in gaps) < 20e-6
    assert received[-1] - received[0] == pytest.approx(999 * 0.002, abs=20e-6)


def test_chosen_packets_die_and_no_other(records: Mapping[str, Record]) -> None:
    exchanges = records["chosen"].probes[0].exchanges
    assert [exchange.number + 1 for exchange in exchanges if exchange.fate == "lost"] == [
        1,
        2,
        1000,
        2999,
    ]
