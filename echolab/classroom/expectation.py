"""The error that ends a case when a submission does not do what the check expects."""

from __future__ import annotations

from echolab.record import Json

TIMEOUT = 5.0
"""Lab seconds that a peer waits for a submission unless told otherwise."""


class Unmet(Exception):
    """A submission did not do what the case expects; ends the case.

    `question` is what the student is asked instead of the case's own question; None keeps that.
    """

    def __init__(
        self,
        expectation: str,
        expected: Json,
        seen: Json,
        why: str = "",
        question: str | None = None,
    ) -> None:
        super().__init__(expectation)
        self.expectation = expectation
        self.expected = expected
        self.seen = seen
        self.why = why
        self.question = question
