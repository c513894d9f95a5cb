"""When a probe's messages leave, and how long the probe waits for each.

Strategy: one loop sleeps in select(2) until the next message is due, the channel has
something, or nothing is left to wait for. Only such a wait lets a virtual clock move. Due
times count from the beginning, never from the previous message, so that lateness does
not add up. The loop always waits for the whole channel, never for a single message.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable
from typing import NamedTuple

from echo_app.channel import Channel, StreamChannel, Trouble
from echo_app.tally import Tally

SECOND = 1_000_000_000

_EARLY = 500
"""A long sleep ends early by one part in this many: twice the kernel's slack of 1/1000."""

_SHORT = 500_000
"""Nanoseconds. A thousandth of so short a sleep is half a microsecond."""


class Plan(NamedTuple):
    """The schedule of a probe; times in nanoseconds.

    With an interval of 0, each message leaves once the previous one has been answered or
    has timed out. `linger` is the time left for late replies after the last timeout.
    """

    messages: int
    interval: int
    timeout: int
    linger: int


def sharpen() -> None:
    """Ask the kernel to wake this process on time. By default it may delay each sleep by 50
    microseconds (prctl(2), PR_SET_TIMERSLACK; proc(5)). If it refuses, the schedule is
    that much coarser.
    """
    with (
        contextlib.suppress(OSError),
        open("/proc/self/timerslack_ns", "w", encoding="ascii") as slack,  # noqa: PTH123
    ):
        slack.write("1")


def wait(channel: Channel | None, until: int, now: int | None = None) -> tuple[bool, bool]:
    """Sleep until the channel is readable (or writable, if it is blocked), or until a time.

    Returns whether it is readable and whether it is writable. A caller that has just read
    the clock passes the reading as `now`.

    Strategy: select(2) may wake a process late by a thousandth of the time asked for
    (Linux, fs/select.c, __estimate_accuracy): 0.15 ms for 150 ms. So a long sleep ends a
    little early, and a second sleep covers the rest, late by a thousandth of the rest only.
    """
    readers = [] if channel is None else [channel]
    writers = readers if channel is not None and channel.blocked else []
    while True:
        remaining = max(0, until - (time.monotonic_ns() if now is None else now))
        early = remaining // _EARLY if remaining > _SHORT else 0
        readable, writable, _ = select.select(readers, writers, [], (remaining - early) / SECOND)
        if readable or writable or not early:
            return bool(readable), bool(writable)
        now = None


def converse(
    channel: Channel,
    plan: Plan,
    tally: Tally,
    begin: int,
    report: Callable[[Trouble], None],
) -> None:
    """Send every message of the plan over one channel and note what comes back."""
    number = 0
    now = time.monotonic_ns()
    while not channel.ended:
        if number < plan.messages and channel.takes and now >= _due(number, plan, tally, begin):
            number += _send(channel, number, now, tally, report)
        if number < plan.messages:
            until = _due(number, plan, tally, begin)
            if not channel.takes:
                until += plan.timeout + plan.linger
                if now >= until:
                    report(Trouble(number, "this host's send buffer stayed full", now))
                    number += 1
        else:
            until = _end(plan, tally, channel.repeats)
            if now >= until:
                break
        now = _listen(channel, until, now, tally, report)
    tally.abandon(channel.ended or "not answered")


def connect_each(
    connect: Callable[[int], StreamChannel],
    plan: Plan,
    tally: Tally,
    begin: int,
    report: Callable[[Trouble], None],
    finished: Callable[[int, StreamChannel], None],
) -> None:
    """Send every message over its own connection, one after another.

    A message leaves when it is due and the previous one has been answered, has failed, or
    has timed out. It counts as sent just before its connection starts. `connect` starts the
    connection for a message; `finished` is called before the connection is closed.
    """
    for number in range(plan.messages):
        wait(None, begin + number * plan.interval)
        now = time.monotonic_ns()
        tally.leave(number, now)
        try:
            channel = connect(number)
        except OSError as error:
            report(Trouble(number, error.strerror or str(error), time.monotonic_ns()))
            continue
        with contextlib.closing(channel):
            channel.offer(number)
            until = now + plan.timeout + plan.linger
            while not (channel.ended or tally.settled(number)) and now < until:
                now = _listen(channel, until, now, tally, report)
            if not tally.settled(number):
                why = channel.ended or "not answered"
                report(Trouble(number, why, time.monotonic_ns()))
            finished(number, channel)


def establish(channel: StreamChannel, within: int) -> bool:
    """Wait at most `within` nanoseconds for the connection; False if it is not established."""
    until = time.monotonic_ns() + within
    while channel.connected_at is None and not channel.ended:
        _, writable = wait(channel, until)
        if writable:
            channel.resume()
        elif time.monotonic_ns() >= until:
            channel.ended = "no connection in time"
    return not channel.ended


def finish(channel: StreamChannel, within: int) -> None:
    """Shut down sending and wait at most `within` nanoseconds for the peer to close too."""
    channel.half_close()
    until = time.monotonic_ns() + within
    while not channel.ended and time.monotonic_ns() < until:
        readable, _ = wait(channel, until)
        if readable:
            channel.receive()


def _due(number: int, plan: Plan, tally: Tally, begin: int) -> int:
    """When a message must leave."""
    if plan.interval or not number:
        return begin + number * plan.interval
    if tally.settled(number - 1):
        return begin
    return (tally.last_sent or begin) + plan.timeout


def _end(plan: Plan, tally: Tally, repeats: bool) -> int:
    """How long to listen after the last message has left, as a time.

    If the network can deliver a message twice, a second copy of the last reply may take
    as long as the slowest reply took.
    """
    last_sent = tally.last_sent or 0
    if not tally.all_settled():
        return last_sent + plan.timeout + plan.linger
    return max(last_sent, tally.last_arrival or 0) + tally.slowest if repeats else last_sent


def _send(
    channel: Channel, number: int, now: int, tally: Tally, report: Callable[[Trouble], None]
) -> bool:
    """Hand over a message; False if it must be offered again."""
    try:
        taken = channel.offer(number)
    except OSError as error:
        tally.leave(number, now)
        report(Trouble(number, error.strerror or str(error), now))
        return True
    if taken:
        tally.leave(number, now)
    return taken


def _listen(
    channel: Channel, until: int, now: int, tally: Tally, report: Callable[[Trouble], None]
) -> int:
    """Wait for the channel, at most until a time, note what it has, and return the time."""
    readable, writable = wait(channel, until, now)
    if writable:
        channel.resume()
    replies = channel.receive() if readable else []
    now = replies[-1].at if replies else time.monotonic_ns()
    for reply in replies:
        if not tally.arrive(reply.number, reply.at):
            why = f"a reply to message {reply.number}, which was not sent"
            report(Trouble(None, why, reply.at))
    for trouble in channel.troubles():
        report(trouble)
    return now
