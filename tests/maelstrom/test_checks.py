"""What a workload's history must show: each contradiction is found, and what may be is allowed."""

from __future__ import annotations

from echolab.history.values import Datum, Operation, Outcome
from echolab.maelstrom import checks, figures

FINAL = 100.0


def done(
    function: str,
    argument: Datum = None,
    result: Datum = None,
    *,
    at: float = 1.0,
    process: str = "1",
    key: Datum = None,
    outcome: Outcome = "ok",
) -> Operation:
    completed = None if outcome == "unknown" else at + 0.1
    return Operation(process, function, argument, result, at, completed, outcome, key)


def broken(workload: str, *history: Operation) -> list[str]:
    found = checks.CHECKERS[workload](history, FINAL)
    return [check.text for check in found if check.broken]


def test_an_echo_is_what_was_sent() -> None:
    assert broken("echo", done("echo", "a", "a")) == []
    assert broken("echo", done("echo", "a", "b")) == ["what was sent comes back"]


def test_an_identifier_is_given_once() -> None:
    once = (done("generate", result=1), done("generate", result="1", process="2"))
    assert broken("unique-ids", *once) == []
    assert broken("unique-ids", *once, done("generate", result=1)) == [
        "no identifier is given twice"
    ]


def test_what_was_acknowledged_is_read_in_the_end() -> None:
    sent = (done("broadcast", 1), done("broadcast", 2, outcome="unknown"))
    read = done("read", result=(1,), at=FINAL)
    assert broken("broadcast", *sent, done("read", result=()), read) == []
    assert broken("broadcast", *sent, done("read", result=(1, 2), at=FINAL)) == []
    lost = done("read", result=(2,), at=FINAL, process="2")
    assert broken("broadcast", *sent, read, lost) == [
        "nothing that was acknowledged is missing in the end"
    ]
    failed = done("broadcast", 3, outcome="fail")
    assert broken("broadcast", *sent, failed, done("read", result=(3,))) == [
        "nothing is there that nobody sent"
    ]


def test_a_counter_has_the_sum_of_what_was_and_may_have_been_added() -> None:
    added = (done("add", 3), done("add", -2), done("add", 10, outcome="unknown"))
    for value in (1, 11):
        assert broken("pn-counter", *added, done("read", result=value, at=FINAL)) == []
    wrong: tuple[Datum, ...] = (0, 5, None)
    for other in wrong:
        assert broken("pn-counter", *added, done("read", result=other, at=FINAL)) == [
            "every node has the sum of what was added in the end"
        ]


def poll(offsets: tuple[tuple[str, int], ...], *found: tuple[str, int, int]) -> Operation:
    return done("poll", offsets, found)


def test_a_log_has_each_message_once_in_order_without_gaps() -> None:
    sent = [done("send", number, at, key="k") for at, number in enumerate((10, 11, 12))]
    right = poll((("k", 0),), ("k", 0, 10), ("k", 1, 11), ("k", 2, 12))
    assert broken("kafka", *sent, right) == []
    assert broken("kafka", *sent, right, done("send", 13, 2, key="k")) == [
        "an offset has one message"
    ]
    assert broken("kafka", *sent, right, done("send", 12, 7, key="k")) == [
        "a message has one offset"
    ]
    backwards = poll((("k", 2),), ("k", 1, 11))
    assert broken("kafka", *sent, right, backwards) == [
        "offsets grow within a poll, and from poll to poll"
    ]
    skips = poll((("k", 0),), ("k", 0, 10), ("k", 2, 12))
    assert broken("kafka", *sent, right, skips) == ["no poll skips an offset that exists"]
    assert broken("kafka", *sent, skips) == [
        "no poll skips an offset that exists",
        "no acknowledged message is lost",
    ]
    assert broken("kafka", *sent, poll((("k", 0),), ("k", 0, 10))) == []  # the rest may come yet


def test_an_element_is_stable_from_the_last_read_on_that_lacks_it() -> None:
    history = (
        done("broadcast", 1, at=1.0),
        done("read", result=(), at=1.05),  # before the acknowledgement
        done("read", result=(), at=3.1),
        done("read", result=(1,), at=5.0),
        done("broadcast", 2, at=6.0),
        done("read", result=(1,), at=7.0, process="2"),
        done("read", result=(1,), at=7.0),
    )
    assert figures.stable(history, "broadcast") == [2.0]  # the second is lost


def test_quantiles_are_the_nearest_ranks_in_milliseconds() -> None:
    assert figures.quantiles([number / 1000 for number in range(1, 101)]) == {
        "median": 50.0,
        "0.95": 95.0,
        "0.99": 99.0,
        "max": 100.0,
    }
    assert figures.quantiles([]) == {}
