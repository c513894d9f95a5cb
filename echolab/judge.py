"""The judge: verdicts as a pure function of a record.

A claim is `pass` or `fail`; it is `inconclusive` where the run could not prove its own
network, whatever was seen.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from echolab.binomial import two_sided
from echolab.conservation import conservation
from echolab.record import FAIL, INCONCLUSIVE, PASS, Check, Record

FALSE_ALARM = 1e-6
"""Chance at most that a rate is called wrong although theory holds."""

WILSON = 1.959963984540054
"""Standard normal quantile of 97.5 %: the Wilson interval shown has 95 %."""

CALM = 5e-3
"""Seconds that a round trip may take, in the median, on a network that nobody shaped."""

DRIFT = 1e-3
"""Share by which a probe's clock may run faster than the lab's."""

STARTING = {"exact": 0.1}
"""Lab seconds that the start and the end of a probe's program may take beside its own
time: next to nothing where computing takes no time, `LONG_START` on other engines."""

LONG_START = 3.0

NO_ROOM = "No buffer space available"
"""What a probe hears of a datagram that its own host's full queue dropped (ENOBUFS)."""

LOOKUP = 8
"""Datagrams that looking up the target's name may cost, where names are not in a file."""

BUSY = 1e-3
"""Seconds by which sleeps come late (90th percentile) on a machine that is too busy for
its times to count; an idle one has a tenth of that."""

PRESSED = 0.1
"""Share of the time in which any program waited for a processor, on a machine too busy for
its times to count: where some wait so often, those that carry the packets do too."""


def judge(record: Record) -> Record:
    """The record with `checks`, a verdict on each claim, and the verdict of the whole.

    The whole is `fail` where any claim fails, else `inconclusive` where any is, else
    `pass`; a run that states no claim is `inconclusive`. Judging again changes nothing.
    """
    checks = [
        baseline(record),
        read_back(record),
        conservation(record),
        dropped(record),
        clock(record),
        account(record),
        witnessed(record),
    ]
    doubts = [f"{check.name}: {check.why}" for check in checks if check.verdict != PASS]
    busy = busyness(record)
    claims = [_judged(claim, doubts, busy) for claim in record["claims"]]
    verdicts = {claim["verdict"] for claim in claims}
    if FAIL in verdicts:
        verdict = FAIL
    elif INCONCLUSIVE in verdicts or not claims:
        verdict = INCONCLUSIVE
    else:
        verdict = PASS
    judged = {key: value for key, value in record.items() if key not in ("verdict", "checks")}
    judged["claims"] = claims
    judged["checks"] = [dataclasses.asdict(check) for check in checks]
    judged["verdict"] = verdict
    return judged


def busyness(record: Record) -> str:
    """In words, how busy the machine was of a run in real time; empty where it was not.

    On the whole, or in any one second since the first link was made: a time may be that of
    a few packets. (To make a link may take a kernel's boot, which is work of our own.)
    """
    lateness = record.get("lateness", 0.0)
    if lateness > BUSY:
        return f"this machine was busy, sleeps came {lateness * 1e3:.1f} ms late"
    waiting = record.get("waiting") or 0.0
    if waiting > PRESSED:
        return f"this machine was busy, programs waited for a processor {waiting:.0%} of the time"
    begun = math.ceil(min((link["began"] for link in record.get("links", ())), default=0.0))
    worst = max(record.get("late_by_second", [])[begun:], default=0.0)
    if worst > BUSY:
        return f"this machine was busy for a second, sleeps came {worst * 1e3:.1f} ms late"
    return ""


def _judged(claim: Mapping[str, Any], doubts: Sequence[str], busy: str) -> dict[str, Any]:
    reason = claim.get("reason", claim.get("why", ""))
    verdict, found = _verdict(claim)
    if doubts:
        verdict, found = INCONCLUSIVE, "; ".join(doubts)
    elif verdict == FAIL and busy and _took_longer(claim):
        verdict, found = INCONCLUSIVE, f"{found}, but {busy}"
    return {**claim, "reason": reason, "verdict": verdict, "why": found}


def _verdict(claim: Mapping[str, Any]) -> tuple[str, str]:
    kind = claim["kind"]
    if kind == "rate":
        return _rate(claim["seen"], claim["of"], claim["theory"])
    if kind == "range":
        return _range(claim)
    if kind == "holds":
        return (PASS, "") if claim["holds"] else (FAIL, "what was seen contradicts it")
    return INCONCLUSIVE, f"this echolab cannot judge a claim of kind '{kind}'"


def _rate(seen: int, of: int, theory: float) -> tuple[str, str]:
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


def _range(claim: Mapping[str, Any]) -> tuple[str, str]:
    seen, low, high = claim["seen"], claim["low"], claim["high"]
    if seen is None:
        return FAIL, "there is no figure to judge"
    bounds = f"from {_shown(low)} to {_shown(high)}"
    inside = (low is None or seen >= low) and (high is None or seen <= high)
    return (PASS, bounds) if inside else (FAIL, f"{_shown(seen)} is not {bounds}")


def _took_longer(claim: Mapping[str, Any]) -> bool:
    """Whether a time missed its upper bound, as it does where a processor is waited for."""
    if claim["kind"] != "range" or claim.get("unit") != "s" or claim["seen"] is None:
        return False
    return claim["high"] is not None and claim["seen"] > claim["high"]


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
    """Before anything was shaped nothing was lost, doubled, disordered or slow."""
    name = "baseline"
    for probe in record["baseline"]:
        way = f"{probe['host']} to {probe['target']}"
        if probe["lost"] or probe["late"]:
            missing = probe["lost"] + probe["late"]
            return Check(name, INCONCLUSIVE, f"{way} lost {missing} datagrams unshaped")
        if probe["duplicated"] or probe["out_of_order"]:
            return Check(name, INCONCLUSIVE, f"{way} doubled or disordered datagrams unshaped")
        if probe["latency_ms"]["median"] > CALM * 1e3:
            slow = probe["latency_ms"]["median"]
            return Check(name, INCONCLUSIVE, f"{way} takes {slow:.3f} ms unshaped")
    return Check(name, PASS, "unshaped, the network lost and delayed nothing")


def read_back(record: Record) -> Check:
    """What the kernel read back of every link is what was asked for."""
    for command in record["commands"]:
        if command["differs"]:
            differs = "; ".join(command["differs"])
            return Check("read-back", INCONCLUSIVE, f"{command['host']}: {differs}")
    return Check("read-back", PASS, "the kernel has every link as it was asked for")


def dropped(record: Record) -> Check:
    """Each link dropped what its loss makes it drop, by the same exact test as a rate.

    Judged where every drop is a loss and each on its own: one link for all packets, no
    rate and no limit that was given, no bursts, no duplicates.
    """
    name = "link"
    for stretch in record.get("links", ()):
        link = stretch["links"][0]
        special = ("toward", "rate", "limit", "burst", "duplicate")
        if len(stretch["links"]) > 1 or any(link[option] for option in special):
            continue
        handed, died = stretch["handed"], stretch["dropped"]
        if two_sided(died, handed, link["loss"]) < FALSE_ALARM:
            return Check(
                *(name, INCONCLUSIVE),
                f"{stretch['host']}'s link dropped {died} of {handed} packets, "
                f"asked for was a loss of {link['loss']:.2%}",
            )
    return Check(name, PASS, "every link dropped what it was asked to drop")


def clock(record: Record) -> Check:
    """No answer came before its message was sent, and the probes' clock is the lab's.

    A probe cannot have taken longer than its program ran, nor much shorter.
    """
    name = "clock"
    slack = STARTING.get(record["engine"], LONG_START)
    for probe in record["probes"]:
        for number, sent, received, *_ in probe["exchanges"]:
            if received is not None and received <= sent:
                early = f"the answer to message {number} came before it was sent"
                return Check(name, INCONCLUSIVE, early)
        if probe.get("ended") is None:
            continue
        ran = probe["ended"] - probe["started"]
        if not ran - slack <= probe["seconds"] <= ran * (1 + DRIFT) + DRIFT:
            return Check(
                *(name, INCONCLUSIVE),
                f"the {probe['protocol']} probe of {probe['host']} says it took "
                f"{probe['seconds']:.4f} s, its program ran for {ran:.4f} s",
            )
    return Check(name, PASS, "time runs forwards, and alike for all")


def account(record: Record) -> Check:
    """The figures of every probe agree with its own messages."""
    for probe in record["probes"]:
        fates = [exchange[3] for exchange in probe["exchanges"]]
        way = f"the {probe['protocol']} probe of {probe['host']}"
        if len(fates) != probe["count"]:
            return Check(
                *("account", INCONCLUSIVE),
                f"{way} sent {probe['count']} messages and accounts for {len(fates)}",
            )
        for fate in ("delivered", "late", "lost"):
            if fates.count(fate) != probe[fate]:
                return Check(
                    *("account", INCONCLUSIVE),
                    f"{way} says {probe[fate]} {fate}, its messages say {fates.count(fate)}",
                )
    return Check("account", PASS, "every probe accounts for every message")


def witnessed(record: Record) -> Check:
    """What a probe says is what the kernel of its host counted, where it was alone there."""
    name = "witness"
    slack = 0 if record["engine"] == "exact" else LOOKUP
    for probe in (*record["baseline"], *record["probes"]):
        kernel = probe.get("kernel")
        if not kernel:
            continue
        for says, counted, what in _accounts(probe, kernel):
            if not says <= counted <= says + slack:
                return Check(
                    *(name, INCONCLUSIVE),
                    f"the {probe['protocol']} probe of {probe['host']} says {says} {what}, "
                    f"the kernel counted {counted}",
                )
        again = kernel["Tcp.RetransSegs"]
        if probe["retransmits"] > again:
            return Check(
                *(name, INCONCLUSIVE),
                f"a probe of {probe['host']} says {probe['retransmits']} segments were sent "
                f"again, the kernel counted {again}",
            )
    return Check(name, PASS, "the kernels counted what the probes say")


def _accounts(
    probe: Mapping[str, Any], kernel: Mapping[str, int]
) -> Iterable[tuple[int, int, str]]:
    """Pairs of what a datagram probe says and what its kernel counted."""
    if probe["protocol"] != "udp":
        return
    refused = sum(NO_ROOM in line for line in probe["errors"])
    sent = sum(exchange[1] is not None for exchange in probe["exchanges"]) - refused
    answers = probe["delivered"] + probe["late"] + probe["duplicated"]
    yield sent, kernel["Udp.OutDatagrams"], "datagrams sent"
    yield answers, kernel["Udp.InDatagrams"], "answers received"
