"""The exact binomial test: what whole numbers say, and what scipy says, for small and large."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from echolab.judge.binomial import two_sided
from echolab.judge.verdicts import FALSE_ALARM


def by_whole_numbers(seen: int, of: int, chance: float) -> float:
    """The test by its definition, without any rounding before the last step."""
    yes = Fraction(chance)
    terms = [math.comb(of, k) * yes**k * (1 - yes) ** (of - k) for k in range(of + 1)]
    return float(min(Fraction(1), 2 * min(sum(terms[: seen + 1]), sum(terms[seen:]))))


@given(of=st.integers(1, 60), chance=st.floats(1e-9, 1, exclude_max=True), data=st.data())
def test_it_is_what_whole_numbers_say(of: int, chance: float, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, of))
    assert two_sided(seen, of, chance) == pytest.approx(
        by_whole_numbers(seen, of, chance), rel=1e-15, abs=0
    )


@given(of=st.integers(1, 20_000), chance=st.floats(0.001, 0.999), data=st.data())
def test_it_is_what_scipy_says(of: int, chance: float, data: st.DataObject) -> None:
    near = round(of * chance)
    seen = data.draw(st.integers(max(0, near - 400), min(of, near + 400)))
    below, above = stats.binom.cdf(seen, of, chance), stats.binom.sf(seen - 1, of, chance)
    wanted = min(1.0, 2 * min(below, above))
    assert two_sided(seen, of, chance) == pytest.approx(wanted, rel=1e-6, abs=1e-280)


def test_a_chance_too_small_for_a_float_is_0_and_a_million_packets_are_counted() -> None:
    assert two_sided(0, 5_000, 0.5) == 0.0
    of, chance = 1_000_000, 0.19
    seen = 190_000 + 1_000  # two and a half standard deviations
    assert two_sided(seen, of, chance) == pytest.approx(
        2 * stats.binom.sf(seen - 1, of, chance), rel=1e-8
    )


@pytest.mark.parametrize("of", [20, 500])
@pytest.mark.parametrize("chance", [0.02, 0.19, 0.5])
def test_false_alarms_are_at_most_one_in_a_million(of: int, chance: float) -> None:
    """Summed over every outcome that would be called wrong: nothing is drawn by chance."""
    alarm = sum(
        stats.binom.pmf(seen, of, chance)
        for seen in range(of + 1)
        if two_sided(seen, of, chance) < FALSE_ALARM
    )
    assert alarm <= FALSE_ALARM


def test_what_cannot_happen_is_never_a_pass() -> None:
    assert two_sided(1, 100, 0.0) == 0
    assert two_sided(99, 100, 1.0) == 0
    assert two_sided(0, 100, 0.0) == 1
