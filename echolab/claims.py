"""Claims: what a scenario says must hold, gathered for the judge."""

from __future__ import annotations

from typing import Any

from echolab.errors import BadInput
from echolab.record import Claim


class Claims:
    """The claims of one run, in the order in which they were stated.

    `precision` is by how many seconds a measured time may miss theory in this engine.
    """

    precision = 0.0

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self._step = ""

    def step(self, name: str) -> None:
        """Name what comes next; the claims that follow stand below it in the report."""
        self._step = name

    def expect(
        self, text: str, holds: bool, *, seen: Any = None, theory: Any = None, why: str = ""
    ) -> None:
        """State that something holds; `seen` and `theory` are shown beside it."""
        self._claim("holds", text, seen=seen, theory=theory, why=why, holds=bool(holds))

    def expect_equal(self, text: str, seen: Any, theory: Any, *, why: str = "") -> None:
        """State that what was seen is exactly what theory says."""
        self._claim("holds", text, seen=seen, theory=theory, why=why, holds=seen == theory)

    def expect_rate(self, text: str, seen: int, of: int, *, theory: float, why: str = "") -> None:
        """State that `seen` of `of` independent trials is what a chance of `theory` gives.

        Judged by the exact binomial test at a chance of a false alarm of 1e-6.
        """
        if not 0 <= seen <= of or not 0.0 <= theory <= 1.0:
            raise BadInput(f"rate: {seen} of {of} at a chance of {theory:g}", "give 0<=seen<=of")
        self._claim("rate", text, seen=seen, of=of, theory=theory, why=why)

    def expect_range(
        self,
        text: str,
        seen: float | None,
        *,
        low: float = float("-inf"),
        high: float = float("inf"),
        theory: Any = None,
        why: str = "",
        unit: str = "",
    ) -> None:
        """State that a figure lies from `low` to `high`; `why` is the reason for the bounds."""
        bounds = [None if value - value != 0 else value for value in (low, high)]
        seen = None if seen is None or seen - seen != 0 else seen
        self._claim(
            *("range", text),
            seen=seen,
            low=bounds[0],
            high=bounds[1],
            theory=theory,
            why=why,
            unit=unit,
        )

    def expect_time(
        self,
        text: str,
        seen: float | None,
        theory: float,
        *,
        within: float | None = None,
        why: str = "",
    ) -> None:
        """State that a time in seconds is what theory says, within the engine's precision.

        `within` gives other bounds, in seconds to either side.
        """
        slack = self.precision if within is None else within
        self.expect_range(
            *(text, seen),
            low=theory - slack,
            high=theory + slack,
            theory=theory,
            why=why,
            unit="s",
        )

    def _claim(self, kind: str, text: str, **fields: Any) -> None:
        self.claims.append(Claim(kind, text, step=self._step, **fields))
