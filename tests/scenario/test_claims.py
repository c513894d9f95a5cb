"""What a scenario may state: claims, those that are not applicable, and what follows."""

from __future__ import annotations

import dataclasses

import pytest

from echolab.judge import verdicts
from echolab.record import Record
from echolab.report import terminal
from echolab.scenario.claims import Claims
from tests.records import BARE


def record(stated: Claims) -> Record:
    """A judged record with these claims, of a run whose network was in order."""
    return verdicts.judge(
        dataclasses.replace(
            BARE,
            scenario="mine",
            sentence="UDP ist schneller",
            claims=tuple(stated.claims),
            conclusion=stated.conclusion,
        )
    )


def test_a_claim_whose_reason_is_given_is_not_applicable_and_fails_nothing() -> None:
    stated = Claims()
    stated.expect("something holds", True)
    count = 3
    stated.expect_equal("four", count, 4, unless=count < 4 and "there are fewer than four")
    judged = record(stated)
    assert [claim.verdict for claim in judged.claims] == ["pass", "not applicable"]
    assert judged.claims[1].why == "there are fewer than four"
    assert judged.verdict == "pass"


def test_a_claim_is_judged_where_the_condition_is_false() -> None:
    stated = Claims()
    stated.expect_equal("four", 3, 4, unless=False)
    stated.expect_equal("four", 3, 4, unless="")
    assert [claim.verdict for claim in record(stated).claims] == ["fail", "fail"]


def test_a_run_of_which_no_claim_is_applicable_is_inconclusive() -> None:
    stated = Claims()
    stated.expect("something holds", True, unless="nothing was sent")
    assert record(stated).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("seen", "verdict", "line"),
    [
        (500, "pass", "  ✔ pass  all 500 messages arrived"),
        (497, "fail", "  ✘ fail  all 500 messages arrived: 497 — what was seen contradicts it"),
    ],
)
def test_all_of_them_is_told_without_a_figure_unless_it_is_another(
    seen: int, verdict: str, line: str
) -> None:
    stated = Claims()
    stated.expect_all("messages arrived", seen, 500)
    (claim,) = record(stated).claims
    assert claim.verdict == verdict
    assert terminal.claim_line(claim, colour=False) == line


def test_none_of_them_is_told_without_a_figure_unless_there_was_one() -> None:
    stated = Claims()
    stated.expect_none("message came twice", 0)
    stated.expect_none("message was lost", 2)
    told = [terminal.claim_line(claim, colour=False) for claim in record(stated).claims]
    assert told == [
        "  ✔ pass  no message came twice",
        "  ✘ fail  no message was lost: 2 — what was seen contradicts it",
    ]


@pytest.mark.parametrize(
    ("holds", "only", "answer", "words"),
    [
        (True, "", "holds", "holds"),
        (True, "for the first message", "holds only", "holds only for the first message"),
        (False, "", "does not hold", "does not hold"),
        (None, "", "not decided", "not decided"),
    ],
)
def test_the_figures_decide_what_a_run_says_of_its_sentence(
    holds: bool | None, only: str, answer: str, words: str
) -> None:
    stated = Claims()
    stated.expect("something holds", True)
    stated.conclude(holds, "a datagram takes 100 ms", only=only)
    judged = record(stated)
    assert judged.conclusion and judged.conclusion.answer == answer
    assert terminal.sentence_lines(judged, 80, colour=False) == [
        "  „UDP ist schneller“",
        f"  {words}: a datagram takes 100 ms",
    ]


@pytest.mark.parametrize("holds", [False, True])
def test_a_claim_that_does_not_hold_leaves_the_sentence_undecided(holds: bool) -> None:
    stated = Claims()
    stated.expect("something holds", False)
    stated.conclude(holds, "what was seen")
    judged = record(stated)
    assert judged.conclusion and judged.conclusion.answer == "not decided"


def test_what_a_record_claims_to_have_concluded_is_judged_again() -> None:
    stated = Claims()
    stated.expect("something holds", False)
    stated.conclude(True, "what was seen")
    assert stated.conclusion
    forged = dataclasses.replace(stated.conclusion, answer="holds")
    stated.conclusion = forged
    judged = record(stated)
    assert judged.conclusion and judged.conclusion.answer == "not decided"
