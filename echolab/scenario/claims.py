"""Claims: what a scenario says must hold, gathered for the judge."""

from __future__ import annotations

import dataclasses
import math

from echolab.record import NOT_APPLICABLE, Claim, Conclusion, Json
from echolab.record.format import as_json

Unless = str | bool
"""Why a claim is not applicable: the reason, or False (or an empty text) if it is applicable.

So a condition reads naturally: `unless=loss == 0 and "nothing is lost"`.
"""


class Claims:
    """The claims of one run, in the order in which they were stated, and what follows from them.

    Each claim takes `unless`: if the theory behind it does not cover the case, the claim is not
    applicable, for that reason.

    `precision` is by how many seconds a measured time may miss theory in this engine.
    """

    precision = 0.0

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.conclusion: Conclusion | None = None
        self._step = ""

    def step(self, name: str) -> None:
        """Name what comes next; the claims that follow stand below it in the report."""
        self._step = name

    def expect(
        self,
        text: str,
        holds: bool,
        *,
        seen: Json = None,
        theory: Json = None,
        why: str = "",
        unless: Unless = False,
    ) -> None:
        """State that something holds; `seen` and `theory` are shown beside it.

        Raises BadInput if these are not numbers, text, or lists and mappings of them.
        """
        self._claim(
            Claim(
                "holds",
                text,
                seen=as_json(seen),
                theory=as_json(theory),
                reason=why,
                holds=bool(holds),
            ),
            unless,
        )

    def expect_equal(
        self, text: str, seen: Json, theory: Json, *, why: str = "", unless: Unless = False
    ) -> None:
        """State that what was seen is exactly what theory says. Raises BadInput as `expect`."""
        self.expect(text, seen == theory, seen=seen, theory=theory, why=why, unless=unless)

    def expect_all(
        self, text: str, seen: int, of: int, *, why: str = "", unless: Unless = False
    ) -> None:
        """State that `seen` is all `of` them: the claim is "all 500 " and the text.

        The number seen is shown only if it is another one.
        """
        other = None if seen == of else seen
        self.expect(f"all {of} {text}", seen == of, seen=other, why=why, unless=unless)

    def expect_none(self, text: str, seen: int, *, why: str = "", unless: Unless = False) -> None:
        """State that there was none: the claim is "no " and the text. Any number seen is shown."""
        self.expect(f"no {text}", seen == 0, seen=seen or None, why=why, unless=unless)

    def expect_rate(
        self,
        text: str,
        seen: int,
        of: int,
        *,
        theory: float,
        why: str = "",
        unless: Unless = False,
    ) -> None:
        """State that `seen` of `of` independent trials is what a chance of `theory` gives.

        Judged by the exact binomial test at a chance of a false alarm of 1e-6.
        """
        self._claim(Claim("rate", text, seen=seen, of=of, theory=theory, reason=why), unless)

    def expect_range(
        self,
        text: str,
        seen: float | None,
        *,
        low: float = float("-inf"),
        high: float = float("inf"),
        theory: Json = None,
        why: str = "",
        unit: str = "",
        unless: Unless = False,
    ) -> None:
        """State that a figure lies between `low` and `high`; `why` is the reason for these."""
        self._claim(
            Claim(
                "range",
                text,
                seen=_finite(seen),
                low=_finite(low),
                high=_finite(high),
                theory=as_json(theory),
                reason=why,
                unit=unit,
            ),
            unless,
        )

    def expect_time(
        self,
        text: str,
        seen: float | None,
        theory: float,
        *,
        within: float | None = None,
        why: str = "",
        unless: Unless = False,
    ) -> None:
        """State that a time in seconds is what theory says, within the engine's precision.

        `within` gives other bounds, in seconds to either side.
        """
        slack = self.precision if within is None else within
        self.expect_range(
            text,
            seen,
            low=theory - slack,
            high=theory + slack,
            theory=theory,
            why=why,
            unit="s",
            unless=unless,
        )

    def conclude(self, holds: bool | None, seen: str, *, only: str = "") -> None:
        """Say what the figures mean for the scenario's sentence; a later call replaces it.

        `holds` is whether they support it, None if they cannot tell; `seen` says what they show.
        `only` limits the sentence ("for the first message"). The conclusion counts only if all
        claims hold.
        """
        self.conclusion = Conclusion(holds, seen, only)

    def _claim(self, claim: Claim, unless: Unless) -> None:
        if unless:
            claim = Claim(NOT_APPLICABLE, claim.text, reason=str(unless))
        self.claims.append(dataclasses.replace(claim, step=self._step))


def _finite(value: float | None) -> float | None:
    """A number that a record can hold; None if it is infinite or not a number."""
    return value if value is not None and math.isfinite(value) else None
