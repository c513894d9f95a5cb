"""The judge: verdicts as a pure function of a record.

A claim is `pass` or `fail`; it is `inconclusive` if the run could not prove its own network,
whatever was seen, and `not applicable` if its theory does not cover the case.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from echolab.judge import histories
from echolab.judge.binomial import two_sided
from echolab.judge.conservation import conservation
from echolab.record import (
    FAIL,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    PASS,
    Answer,
    Check,
    Claim,
    Conclusion,
    Fate,
    Probe,
    Record,
    Verdict,
)

FALSE_ALARM = 1e-6
"""Largest probability that a rate is called wrong although the theory holds."""

WILSON = 1.959963984540054
"""Standard normal quantile of 97.5 %: the Wilson interval shown has 95 %."""

CALM = 5e-3
"""The largest median round trip of a network that nobody shaped, in seconds."""

DRIFT = 1e-3
"""Share by which a probe's clock may run faster than the lab's."""

VIRTUAL_START, REAL_START = 0.1, 3.0
"""Lab seconds that the start and the end of a probe's program may take besides its own time: next
to nothing in virtual time, since computing takes none there."""

LINE, PIPE, DRAINED = 200, 1 << 20, 0.25
"""The most bytes that a probe prints for a message, the bytes that a pipe holds, and the lab
seconds after which an engine in virtual time empties it: the end of a long probe waits for that."""

NO_ROOM = "No buffer space available"
"""A probe's error for a datagram that its own host's full queue dropped (ENOBUFS)."""

LOOKUP = 8
"""The most datagrams needed to look up the target's name, if it is not in a file."""

BUSY = 1e-3
"""Seconds by which sleeps come late (90th percentile) on a machine that is too busy for its times
to be trusted; on an idle one it is a tenth of that."""

PRESSED = 0.1
"""Share of the time in which any program waited for a processor, on a machine too busy for its
times to be trusted: if some wait that often, those that carry the packets do too."""


def judge(record: Record) -> Record:
    """The record with `checks`, a verdict on each claim, and on the whole and its sentence.

    The whole is `fail` if any claim fails, else `inconclusive` if any is, else `pass`; a run
    without an applicable claim is `inconclusive`. Judging again changes nothing.
    """
    checks = [
        baseline(record),
        read_back(record),
        conservation(record),
        dropped(record),
        clock(record),
        account(record),
        kernel_counts(record),
    ]
    doubts = [f"{check.name}: {check.why}" for check in checks if check.verdict != PASS]
    busy = busyness(record)
    claims = tuple(_judged(claim, record, doubts, busy) for claim in record.claims)
    checks += captured(record)
    verdict = _of_all(claims)
    return dataclasses.replace(
        record,
        claims=claims,
        conclusion=_concluded(record.conclusion, verdict),
        checks=tuple(checks),
        verdict=verdict,
    )


def _of_all(claims: Sequence[Claim]) -> Verdict:
    verdicts = {claim.verdict for claim in claims} - {NOT_APPLICABLE}
    if FAIL in verdicts:
        return FAIL
    return PASS if verdicts == {PASS} else INCONCLUSIVE


def _concluded(conclusion: Conclusion | None, verdict: Verdict) -> Conclusion | None:
    """The scenario's conclusion, as far as its claims support it."""
    if conclusion is None:
        return None
    answer: Answer = "not decided"
    if verdict == PASS and conclusion.holds is not None:
        limited: Answer = "holds only" if conclusion.only else "holds"
        answer = limited if conclusion.holds else "does not hold"
    return dataclasses.replace(conclusion, answer=answer)


def busyness(record: Record) -> str:
    """How busy the machine was during a run in real time, in words; empty if it was not busy.

    It counts as busy if it was so on the whole, or in any second since the first link was made: a
    time may depend on a few packets. Seconds before that do not count, since making a link may
    mean booting a kernel.
    """
    late = record.lateness
    if late is None:
        return ""
    if late.overall > BUSY:
        return f"this machine was busy, sleeps came {late.overall * 1e3:.1f} ms late"
    waiting = late.waiting or 0.0
    if waiting > PRESSED:
        return f"this machine was busy, programs waited for a processor {waiting:.0%} of the time"
    begun = math.ceil(min((stretch.began for stretch in record.links), default=0.0))
    worst = max(late.by_second[begun:], default=0.0)
    if worst > BUSY:
        return f"this machine was busy for a second, sleeps came {worst * 1e3:.1f} ms late"
    return ""


def _judged(claim: Claim, record: Record, doubts: Sequence[str], busy: str) -> Claim:
    """The claim with its verdict; whatever the network did, a history is right or it is not."""
    if claim.kind == "history":
        verdict, found = histories.judged(claim, record)
        return dataclasses.replace(claim, verdict=verdict, why=found)
    if claim.kind == NOT_APPLICABLE:
        return dataclasses.replace(claim, verdict=NOT_APPLICABLE, why=claim.reason)
    verdict, found = _verdict(claim)
    if doubts:
        verdict, found = INCONCLUSIVE, "; ".join(doubts)
    elif verdict == FAIL and busy and _took_longer(claim):
        verdict, found = INCONCLUSIVE, f"{found}, but {busy}"
    return dataclasses.replace(claim, verdict=verdict, why=found)


def _verdict(claim: Claim) -> tuple[Verdict, str]:
    if claim.kind == "rate":
        return _rate(*claim.trials)
    if claim.kind == "range":
        return _range(claim)
    if claim.kind == "holds":
        return (PASS, "") if claim.holds else (FAIL, "what was seen contradicts it")
    return INCONCLUSIVE, f"this echolab cannot judge a claim of kind '{claim.kind}'"


def _rate(seen: int, of: int, theory: float) -> tuple[Verdict, str]:
    if of == 0:
        return INCONCLUSIVE, "nothing was counted"
    chance = two_sided(seen, of, theory)
    low, high = wilson(seen, of)
    shown = (
        f"{seen} of {of} = {seen / of:.2%} (95 % Wilson interval {low:.2%} to {high:.2%}), "
        f"theory {theory:.2%}, chance of a result this unlikely {chance:.2g}"
    )
    if chance >= FALSE_ALARM:
        return PASS, shown
    return FAIL, f"{shown}: below {FALSE_ALARM:g}"


def _range(claim: Claim) -> tuple[Verdict, str]:
    seen, low, high = claim.figure, claim.low, claim.high
    if seen is None:
        return FAIL, "there is no figure to judge"
    bounds = f"from {_shown(low)} to {_shown(high)}"
    inside = (low is None or seen >= low) and (high is None or seen <= high)
    return (PASS, bounds) if inside else (FAIL, f"{_shown(seen)} is not {bounds}")


def _took_longer(claim: Claim) -> bool:
    """Whether a time exceeded its upper bound, as happens when programs wait for a processor."""
    if claim.kind != "range" or claim.unit != "s" or claim.figure is None:
        return False
    return claim.high is not None and claim.figure > claim.high


def _shown(value: float | None) -> str:
    return "any" if value is None else f"{value:.9g}"


def wilson(seen: int, of: int, quantile: float = WILSON) -> tuple[float, float]:
    """The interval of Wilson (1927) for a rate, within 0 and 1."""
    share, square = seen / of, quantile * quantile
    middle = share + square / (2 * of)
    spread = quantile * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def baseline(record: Record) -> Check:
    """Before anything was shaped, nothing was lost, duplicated, reordered or slow."""
    name = "baseline"
    for probe in record.baseline:
        way = f"{probe.host} to {probe.target}"
        if probe.lost or probe.late:
            missing = probe.lost + probe.late
            return Check(name, INCONCLUSIVE, f"{way} lost {missing} datagrams unshaped")
        if probe.duplicated or probe.out_of_order:
            return Check(name, INCONCLUSIVE, f"{way} doubled or disordered datagrams unshaped")
        if probe.median > CALM:
            slow = probe.median * 1e3
            return Check(name, INCONCLUSIVE, f"{way} takes {slow:.3f} ms unshaped")
    return Check(name, PASS, "unshaped, the network lost and delayed nothing")


def captured(record: Record) -> list[Check]:
    """A warning that the packet story is incomplete if a capture lost packets; else nothing.

    No claim is based on captures, so lost packets put none in doubt.
    """
    lost = [f"{one.file} lacks {one.lost} packets" for one in record.captures if one.lost]
    if not lost:
        return []
    why = f"the packet story is not whole: {', '.join(lost)}"
    return [Check("captures", INCONCLUSIVE, why)]


def read_back(record: Record) -> Check:
    """The kernel reads back every link as it was asked for."""
    for command in record.commands:
        if command.differs:
            differs = "; ".join(command.differs)
            return Check("read-back", INCONCLUSIVE, f"{command.host}: {differs}")
    return Check("read-back", PASS, "the kernel has every link as it was asked for")


def dropped(record: Record) -> Check:
    """Each link dropped as many packets as its loss says, by the same exact test as a rate.

    Links are judged only if every drop is a loss and independent of the others: one link for all
    packets, without a rate, a given limit, bursts or duplicates.
    """
    name = "link"
    for stretch in record.links:
        if len(stretch.links) != 1:
            continue
        link = stretch.links[0]
        if link.toward or link.rate or link.limit or link.burst or link.duplicate:
            continue
        handed, died = stretch.handed, stretch.dropped
        if two_sided(died, handed, link.loss) < FALSE_ALARM:
            return Check(
                name,
                INCONCLUSIVE,
                f"{stretch.host}'s link dropped {died} of {handed} packets, "
                f"asked for was a loss of {link.loss:.2%}",
            )
    return Check(name, PASS, "every link dropped what it was asked to drop")


def clock(record: Record) -> Check:
    """No answer came before its message was sent, and the probes' clocks agree with the lab's.

    A probe cannot have taken longer than its program ran, nor much less.
    """
    name = "clock"
    virtual = record.traits.virtual
    for probe in record.probes:
        for exchange in probe.exchanges:
            if exchange.latency is not None and exchange.latency <= 0:
                early = f"the answer to message {exchange.number} came before it was sent"
                return Check(name, INCONCLUSIVE, early)
        if probe.ended is None:
            continue
        ran = probe.ended - probe.started
        printing = DRAINED * (probe.count * LINE // PIPE)
        slack = VIRTUAL_START + printing if virtual else REAL_START
        if not ran - slack <= probe.seconds <= ran * (1 + DRIFT) + DRIFT:
            return Check(
                name,
                INCONCLUSIVE,
                f"the {probe.protocol} probe of {probe.host} says it took "
                f"{probe.seconds:.4f} s, its program ran for {ran:.4f} s",
            )
    return Check(name, PASS, "time runs forwards, and alike for all")


def account(record: Record) -> Check:
    """The figures of every probe agree with its own messages."""
    name = "account"
    for probe in record.probes:
        fates = [exchange.fate for exchange in probe.exchanges]
        way = f"the {probe.protocol} probe of {probe.host}"
        if len(fates) != probe.count:
            return Check(
                name,
                INCONCLUSIVE,
                f"{way} sent {probe.count} messages and accounts for {len(fates)}",
            )
        said: Mapping[Fate, int] = {
            "delivered": probe.delivered,
            "late": probe.late,
            "lost": probe.lost,
        }
        for fate, number in said.items():
            if fates.count(fate) != number:
                return Check(
                    name,
                    INCONCLUSIVE,
                    f"{way} says {number} {fate}, its messages say {fates.count(fate)}",
                )
    return Check(name, PASS, "every probe accounts for every message")


def kernel_counts(record: Record) -> Check:
    """A probe's figures are what its host's kernel counted, if it was alone on the host."""
    name = "kernel counts"
    slack = LOOKUP if record.traits.lookups else 0
    for probe in (*record.baseline, *record.probes):
        if not probe.kernel:
            continue
        for says, counted, what in _accounts(probe):
            if not says <= counted <= says + slack:
                return Check(
                    name,
                    INCONCLUSIVE,
                    f"the {probe.protocol} probe of {probe.host} says {says} {what}, "
                    f"the kernel counted {counted}",
                )
        again = probe.kernel["Tcp.RetransSegs"]
        if probe.retransmits > again:
            return Check(
                name,
                INCONCLUSIVE,
                f"a probe of {probe.host} says {probe.retransmits} segments were sent "
                f"again, the kernel counted {again}",
            )
    return Check(name, PASS, "the kernels counted what the probes say")


def _accounts(probe: Probe) -> Iterable[tuple[int, int, str]]:
    """Pairs of a datagram probe's figure and its kernel's."""
    if probe.protocol != "udp":
        return
    refused = sum(NO_ROOM in line for line in probe.errors)
    sent = sum(exchange.sent is not None for exchange in probe.exchanges) - refused
    answers = probe.answered + probe.duplicated
    yield sent, probe.kernel["Udp.OutDatagrams"], "datagrams sent"
    yield answers, probe.kernel["Udp.InDatagrams"], "answers received"
