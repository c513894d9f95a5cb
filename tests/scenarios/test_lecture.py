"""The figures of docs/lecture.md are those of the command it gives, and none stands unproven."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import string
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest

from echolab import resources
from echolab.engines.exact import engine
from echolab.record import Claim, Latency, Probe, Record
from echolab.runs import catalogue, execute, plan
from echolab.settings import Settings
from tests.needs import lacking

LECTURE = resources.ROOT / "docs" / "lecture.md"

SEED = 1
"""The one in the command that the document gives."""

SOME = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PLACES = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh")
SHARES = {0.1: "tenth", 0.2: "fifth", 0.25: "quarter", 0.5: "half"}

NUMBER = re.compile(
    rf"\b\d[\d.,]*|\b(?:{'|'.join((*SOME[3:], *PLACES[3:], *sorted(set(SHARES.values()))))})\b"
)
"""A number in digits, or a word for one; "one" and "two" are words of ordinary prose."""

CONSTANTS = (
    "Before Linux 6.5 the repeats come after 1, 3 and 7 s",
    "three ARP requests",
    "theory 1-(1-p)²",
    "theory (1-p)⁹",
    "(8 % for 10 %,",
)
"""Phrases with numbers that come from no run."""


class Sentence(NamedTuple):
    """A passage of the document: a format, and what fills it from a scenario's record."""

    scenario: str
    template: str
    figures: Callable[[Record], Mapping[str, object]]

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches the passage whatever its figures are; each is a group."""
        return re.compile(
            "".join(
                re.escape(literal) + (r"([\w.,]*\w)" if field is not None else "")
                for literal, field, _, _ in string.Formatter().parse(self.template)
            )
        )


def claim(record: Record, text: str, step: str = "") -> Claim:
    """The only claim whose text, and step, begin with these words."""
    found = [
        claim
        for claim in record.claims
        if claim.text.startswith(text) and claim.step.startswith(step)
    ]
    assert len(found) == 1, (record.scenario, text, step)
    return found[0]


def number(value: object) -> float:
    """A value of a claim or of a parameter that must be a number."""
    assert isinstance(value, (int, float)), value
    return value


def seen(record: Record, text: str, step: str = "") -> float:
    """What a claim saw, a number."""
    return number(claim(record, text, step).seen)


def percent(record: Record, text: str) -> float:
    """The share that a claim about a rate saw, in percent."""
    met, of, _ = claim(record, text).trials
    return 100 * met / of


def theory(record: Record, text: str) -> float:
    """The share that a claim about a rate expects, in percent."""
    return 100 * claim(record, text).trials[2]


def given(record: Record, name: str) -> float:
    """A parameter, a number."""
    return number(record.parameters[name])


def took(probe: Probe) -> Latency:
    """The latency of a probe that had answers, in milliseconds."""
    assert probe.latency
    return Latency(*(1e3 * seconds for seconds in dataclasses.astuple(probe.latency)))


def echoed(record: Record) -> int:
    """How many bytes the client of `echo` sent and got back."""
    facts = json.loads(record.programs[-1].stdout)
    assert facts["same"]
    return int(max(size for *_, size in facts["steps"]))


def sizes(record: Record, answer: str) -> str:
    """The size of the datagram that met with this answer."""
    found = [
        int(claim.text.split()[3])
        for claim in record.claims
        if claim.step == "the largest datagram" and claim.seen == answer
    ]
    assert len(found) == 1, answer
    return f"{found[0]:,}"


def crowd(record: Record) -> list[float]:
    """When the clients of `backlog` got in that had to wait, in seconds."""
    return sorted(number(claim.seen) for claim in record.claims if "next SYN" in claim.text)


def row(number: int) -> Callable[[Record], Mapping[str, object]]:
    """The figures of one row of the table of `contrast`."""

    def figures(record: Record) -> Mapping[str, object]:
        probe = record.probes[number]
        return {
            "delivered": probe.delivered,
            "count": probe.count,
            "late": probe.late,
            "lost": probe.lost,
            "median": took(probe).median,
            "slowest": took(probe).max,
            "again": probe.retransmits,
        }

    return figures


SENTENCES = (
    Sentence(
        "file",
        "both descriptors are the lowest free number ({both[0]} and {both[1]}).",
        lambda r: {"both": claim(r, "both descriptors are the lowest free number").seen},
    ),
    Sentence(
        "backlog",
        "with `listen({backlog})` and a server that is busy for {busy} s, {in_time} of {clients} "
        "clients get in at once:",
        lambda r: {**r.parameters, "in_time": seen(r, "clients that got in at once")},
    ),
    Sentence(
        "backlog",
        "The other {others} get in when they send their SYN for the {place} time, after "
        "{first:.2f} to {last:.2f} s; `ListenOverflows` counts the {overflows} SYNs that found "
        "no place.",
        lambda r: {
            "others": SOME[len(crowd(r))],
            "place": PLACES[1 + round(seen(r, "ListenOverflows") / len(crowd(r)))],
            "first": crowd(r)[0],
            "last": crowd(r)[-1],
            "overflows": seen(r, "ListenOverflows"),
        },
    ),
    Sentence(
        "refused",
        "A closed port answers after one round trip, {stream:.3f} ms for a stream and "
        "{datagram:.3f} for a datagram,",
        lambda r: {
            kind: 1e3 * seen(r, f"{kind}: it comes after a round trip")
            for kind in ("stream", "datagram")
        },
    ),
    Sentence(
        "refused",
        "the client's own kernel reports `EHOSTUNREACH` after {took:.1f} s,",
        lambda r: {"took": seen(r, "stream: it comes after three requests")},
    ),
    Sentence(
        "refused",
        "A black hole is silence: in {patience} s the stream has sent its SYN again {tries} times.",
        lambda r: {**r.parameters, "tries": seen(r, "the stream tried again")},
    ),
    Sentence(
        "echo",
        "`echo`: {before} packets before the first byte, {whole} for the whole exchange. A "
        "datagram's exchange is {datagram} packets.",
        lambda r: {
            "before": seen(r, "a stream costs three packets"),
            "whole": seen(r, "the exchange over a stream"),
            "datagram": seen(r, "the exchange of two datagrams"),
        },
    ),
    Sentence(
        "loss",
        "`loss`: with {loss:.0f} % loss each way all {answered} messages of the stream arrive, "
        "for {again} retransmissions; the slowest takes {slowest:.0f} ms instead of {trip:.0f}.",
        lambda r: {
            "loss": 100 * given(r, "loss"),
            "answered": r.probes[1].answered,
            "again": r.probes[1].retransmits,
            "slowest": took(r.probes[1]).max,
            "trip": 2e3 * given(r, "delay"),
        },
    ),
    Sentence(
        "corrupt",
        "a bit is flipped in a {share} of the packets; {missing} of {count} datagrams are missing "
        "and none is wrong, because the checksum turns damage into loss: UDP's checksum caught "
        "{caught} of them. The stream sends {again} segments again and loses nothing.",
        lambda r: {
            **r.parameters,
            "share": SHARES[given(r, "corrupt")],
            "missing": seen(r, "datagrams missing"),
            "caught": seen(r, "missing datagrams that UDP's checksum caught"),
            "again": r.probes[1].retransmits,
        },
    ),
    Sentence(
        "duplicate",
        "`duplicate`: {twice} of {count} datagrams are answered twice; {copies} segments of the "
        "stream arrive twice,",
        lambda r: {
            **r.parameters,
            "twice": seen(r, "datagrams answered twice"),
            "copies": seen(r, "although segments of the stream came twice"),
        },
    ),
    Sentence(
        "reorder",
        "`reorder`: {overtook} segments overtake others,",
        lambda r: {"overtook": seen(r, "although its segments overtook")},
    ),
    Sentence(
        "head-of-line",
        "one lost segment arrives {late:.1f} ms after it was sent, and {waited} later messages,",
        lambda r: {
            "late": 1e3 * seen(r, "the lost one came after its retransmission"),
            "waited": seen(r, "messages that waited"),
        },
    ),
    Sentence(
        "half-close",
        "After `shutdown` the client still receives the answer, {told} bytes;",
        lambda r: {"told": seen(r, "the client heard the answer")},
    ),
    Sentence(
        "partition",
        "a cut of {cut:g} s costs the stream {silence:.2f} s of silence, because each of its "
        "attempts ({tries} of them)",
        lambda r: {
            **r.parameters,
            "silence": seen(r, "its silence"),
            "tries": seen(r, "it tried again"),
        },
    ),
    Sentence(
        "nagle",
        "two small writes before a read take {nagle:.1f} ms at a round trip of {trip:.0f} ms,",
        lambda r: {
            "nagle": 1e3 * seen(r, "two writes wait"),
            "trip": 2e3 * given(r, "delay"),
        },
    ),
    Sentence(
        "nagle",
        "With `TCP_NODELAY` they take {nodelay:.3f} ms, in one write {one:.3f} ms.",
        lambda r: {
            "nodelay": 1e3 * seen(r, "with TCP_NODELAY"),
            "one": 1e3 * seen(r, "one write of both"),
        },
    ),
    Sentence(
        "asymmetric",
        "{there:.3f} ms there and {back:.3f} ms back are a round trip of {trip:.3f}. With "
        "{loss:.0f} % loss on the way back the server receives all {questions} questions while "
        "{missing} answers are missing:",
        lambda r: {
            "there": 1e3 * seen(r, "the way there"),
            "back": 1e3 * seen(r, "the way back"),
            "trip": 1e3 * seen(r, "the answered ones took one round trip"),
            "loss": 100 * given(r, "loss"),
            "questions": seen(r, "questions that the server received"),
            "missing": seen(r, "questions without an answer"),
        },
    ),
    Sentence(
        "latency",
        "At {delay:.0f} ms each way a datagram is answered after {datagram:.3f} ms; connect and "
        "echo takes {connect:.3f}; a stream that stays open takes {stream:.3f},",
        lambda r: {
            "delay": 1e3 * given(r, "delay"),
            "datagram": 1e3 * seen(r, "a datagram takes one round trip"),
            "connect": 1e3 * seen(r, "connect and echo take two"),
            "stream": 1e3 * seen(r, "a stream that stays open takes one"),
        },
    ),
    Sentence(
        "rate",
        "on a link of {rate:g} Mbit/s datagrams at twice the rate are not faster but lost, {lost} "
        "of {count}, and those that get through wait for up to {queue:.0f} ms in the full queue; "
        "a stream fills {filled:.2f} Mbit/s of it",
        lambda r: {
            "rate": given(r, "rate") / 1e6,
            "lost": r.probes[0].lost,
            "count": r.probes[0].count,
            "queue": 1e3 * seen(r, "a full queue delays"),
            "filled": seen(r, "a stream fills the link") / 1e6,
        },
    ),
    Sentence(
        "rate",
        "Under random loss of {loss:.0f} % `reno` reaches {reached:.2f} Mbit/s, {theory:.2f} by "
        "Mathis' formula.",
        lambda r: {
            "loss": 100 * given(r, "loss"),
            "reached": seen(r, "reno under random loss") / 1e6,
            "theory": number(claim(r, "reno under random loss").theory) / 1e6,
        },
    ),
    Sentence(
        "loss",
        "`loss`: of {count} datagrams {lost} stay unanswered ({share:.1f} %; theory 1-(1-p)² = "
        "{theory:.0f} %).",
        lambda r: {
            **r.parameters,
            "lost": seen(r, "datagrams lost"),
            "share": percent(r, "datagrams lost"),
            "theory": theory(r, "datagrams lost"),
        },
    ),
    Sentence(
        "burst",
        "a loss follows a loss in {bursts:.0f} % of the cases instead of {independent:.0f} %; the "
        "longest run is {longest} packets instead of {shorter}.",
        lambda r: {
            "bursts": percent(r, "bursts: a loss follows a loss"),
            "independent": percent(r, "independent losses: a loss follows a loss"),
            "longest": max(r.probes[1].runs_of_losses()),
            "shorter": max(r.probes[0].runs_of_losses()),
        },
    ),
    Sentence(
        "fragments",
        "a datagram of {pieces:.0f} fragments survives in {whole:.0f} % of the cases (theory "
        "(1-p)⁹ = {theory:.0f} %), one of a single packet in {single:.0f} %; {largest} bytes can "
        "be sent, {larger} cannot.",
        lambda r: {
            "pieces": seen(r, "fragments made", "12000 bytes") / given(r, "count"),
            "whole": percent(r, "datagrams of 12000 bytes"),
            "theory": theory(r, "datagrams of 12000 bytes"),
            "single": percent(r, "datagrams of 1000 bytes"),
            "largest": sizes(r, "sent"),
            "larger": sizes(r, "EMSGSIZE"),
        },
    ),
    Sentence(
        "partition",
        "`partition`: the {lost} datagrams of the cut are gone.",
        lambda r: {"lost": seen(r, "datagrams lost")},
    ),
    Sentence(
        "reorder",
        "`reorder`: a {share} of the packets passes without delay; {out} of {count} datagrams "
        "come out of order:",
        lambda r: {
            **r.parameters,
            "share": SHARES[given(r, "reorder")],
            "out": r.probes[0].out_of_order,
        },
    ),
    Sentence(
        "short-read",
        "Of {size} bytes {came} come back, followed by a reset,",
        lambda r: {**r.parameters, "came": seen(r, "bytes that came back")},
    ),
    Sentence(
        "short-read",
        "A server that reads until the peer closes returns all {whole}.",
        lambda r: {"whole": seen(r, "all bytes came back")},
    ),
    Sentence(
        "echo",
        "`echo` sends exactly this buffer: {size} bytes,",
        lambda r: {"size": echoed(r)},
    ),
    Sentence(
        "contrast",
        "over the same link ({delay:.0f} ms and {loss:.0f} % loss each way):",
        lambda r: {"delay": 1e3 * given(r, "delay"), "loss": 100 * given(r, "loss")},
    ),
    Sentence(
        "contrast",
        "| datagrams | {delivered} of {count} | {late} | {lost} | {median:.1f} ms | "
        "{slowest:.1f} ms | |",
        row(0),
    ),
    Sentence(
        "contrast",
        "| one stream | {delivered} of {count} | {late} | {lost} | {median:.1f} ms | "
        "{slowest:.0f} ms | {again} |",
        row(1),
    ),
    Sentence(
        "contrast",
        "| a stream for each message | {delivered} of {count} | {late} | {lost} | "
        "{median:.1f} ms | {slowest:.0f} ms | {again} |",
        row(2),
    ),
)

NAMES = sorted({sentence.scenario for sentence in SENTENCES})

MADE_WITH = re.compile(r"Linux (\d[\d.]*\d), Python (\d[\d.]*\d) and iproute2 (\d[\d.]*\d)")
"""Where the document says what its figures were made with."""


def running_text() -> str:
    """The document without what it quotes and without its commands, in one line."""
    lines = LECTURE.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith((">", "    "))]
    return " ".join(" ".join(kept).split())


def others(record: Record) -> list[str]:
    """What the run used that is of another version than the document says."""
    said = MADE_WITH.search(running_text())
    assert said
    have = (record.kernel, record.versions.python, record.versions.tc)
    return [
        f"{what} {version} instead of {wanted}"
        for what, version, wanted in zip(
            ("Linux", "Python", "iproute2"), have, said.groups(), strict=True
        )
        if version is not None and not f"{version}.".startswith(f"{wanted}.")
    ]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Record]:
    """The records of the document's command, by scenario: each run alone in a guest."""
    settings = Settings.from_environment(os.environ)
    lack = engine.lack(settings)
    if lack:
        lacking(f"{lack.what}; {lack.remedy}")
    planned = plan.plan(
        catalogue.find(NAMES), {}, compose=None, seed=SEED, capture=True, environment=os.environ
    )
    out = tmp_path_factory.mktemp("lecture")
    with contextlib.closing(
        execute.execute(planned, engine, out, settings, lambda line: None)
    ) as executed:
        runs = list(executed)
    errors = [str(run.error) for run in runs if run.error]
    assert not errors, errors
    return {run.record.scenario: run.record for run in runs if run.record}


def test_every_number_of_the_document_is_held_or_a_constant() -> None:
    """Without a run: a sentence that was reworded, or added with a figure, needs its entry."""
    text = MADE_WITH.sub("", running_text())
    for sentence in SENTENCES:
        assert len(sentence.pattern.findall(text)) == 1, sentence.template
        text = sentence.pattern.sub(literals, text)
    for phrase in CONSTANTS:
        assert phrase in text, f"not in the document: {phrase}"
        text = text.replace(phrase, "")
    text = re.sub(r"`[^`]*`", "", text)
    assert [text[at.start() - 40 : at.end() + 20] for at in NUMBER.finditer(text)] == []


def literals(passage: re.Match[str]) -> str:
    """What a passage says beside its figures."""
    kept, at = [], passage.start()
    for group in range(1, passage.re.groups + 1):
        kept.append(passage.string[at : passage.start(group)])
        at = passage.end(group)
    return "#".join([*kept, passage.string[at : passage.end()]])


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_claim_behind_the_document_passes(records: Mapping[str, Record], name: str) -> None:
    assert {claim.verdict for claim in records[name].claims} <= {"pass", "not applicable"}
    assert records[name].verdict == "pass"


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize(
    "sentence", SENTENCES, ids=lambda sentence: f"{sentence.scenario}: {sentence.template[:30]}"
)
def test_the_document_gives_the_figures_of_the_run(
    records: Mapping[str, Record], sentence: Sentence
) -> None:
    """Where the kernel, Python or iproute2 is another one, only the verdicts can be held.

    Another kernel has other timers, and another Python looks for its files by other system
    calls, of which those that fail take lab time: either moves a packet by some microseconds,
    and what a link then drops. In CI the kernel is that of the document, 7.3, so there
    the skip tells that the machine's Python or iproute2 is another one.
    """
    record = records[sentence.scenario]
    different = others(record)
    if different:
        pytest.skip(f"the figures may differ here: {', '.join(different)}")
    passage = sentence.pattern.search(running_text())
    assert passage
    assert passage.group() == sentence.template.format(**sentence.figures(record))
