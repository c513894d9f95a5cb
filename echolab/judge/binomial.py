"""The exact binomial distribution: how likely a count is if theory holds.

Strategy: the terms are added one by one, in decimal numbers of fifty digits. So the tiny terms of a
large count do not vanish, and rounding errors stay below what a float can show. A hundred thousand
terms take a tenth of a second, and no slow import is needed.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

DIGITS = Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""Fifty digits, and exponents that no count of packets exhausts."""


def two_sided(seen: int, of: int, chance: float) -> float:
    """Twice the smaller tail of the exact binomial distribution, at most 1.

    This is the test of Clopper and Pearson (1934). Its false alarms are never more frequent than it
    states.
    """
    if chance in (0.0, 1.0):
        return 1.0 if seen == round(of * chance) else 0.0
    with localcontext(DIGITS):
        yes = Decimal(chance)
        smaller = min(_at_most(seen, of, yes), _at_most(of - seen, of, 1 - yes))
        return min(1.0, float(2 * smaller))


def _at_most(seen: int, of: int, chance: Decimal) -> Decimal:
    """The probability of `seen` or fewer: each term is the previous one times their ratio."""
    odds = chance / (1 - chance)
    term = total = (1 - chance) ** of
    for count in range(seen):
        term *= (of - count) * odds / (count + 1)
        total += term
    return total
