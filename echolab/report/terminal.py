"""Records as lines and tables for a terminal: text only, nothing is printed here."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from echolab.language import decimal, later
from echolab.language import translate as _
from echolab.record import (
    FAIL,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    PASS,
    Answer,
    Claim,
    Conclusion,
    Json,
    Record,
    Verdict,
)
from echolab.report.tables import Column
from echolab.report.tables import table as table
from echolab.sayings import said

MARKS: Mapping[Verdict, str] = {PASS: "✔", FAIL: "✘", INCONCLUSIVE: "?", NOT_APPLICABLE: "–"}
COLOURS: Mapping[Verdict, str] = {
    PASS: "32",
    FAIL: "31",
    INCONCLUSIVE: "33",
    NOT_APPLICABLE: "2",
}

WORDS = (
    later("pass"),
    later("fail"),
    later("inconclusive"),
    later("not applicable"),
    later("holds"),
    later("holds only"),
    later("does not hold"),
    later("not decided"),
)
"""The verdicts and the answers, as translated; their names in records stay."""

ANSWER_COLOURS: Mapping[Answer, str] = {
    "holds": "32",
    "holds only": "36",
    "does not hold": "35",
    "not decided": "33",
}
"""An answer is not a verdict: a sentence that does not hold is not a failure."""


def figure(value: Json, unit: str = "") -> str:
    """A readable figure: times in milliseconds, numbers without needless digits."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        if unit == "s":
            return decimal(f"{value * 1e3:.3f} ms")
        return decimal(f"{value:.4g}")
    if isinstance(value, (list, tuple)):
        return ", ".join(figure(item, unit) for item in value)
    return said(str(value))


def seen(claim: Claim) -> str:
    """What a claim saw."""
    if claim.kind == "rate":
        count, of, _theory = claim.trials
        share = decimal(f" = {count / of:.2%}") if of else ""
        return _("{count} of {of}").format(count=count, of=of) + share
    return figure(claim.seen, claim.unit)


def theory(claim: Claim) -> str:
    """What theory predicts for a claim."""
    if claim.kind == "rate":
        return decimal(f"{claim.trials[2]:.2%}")
    return figure(claim.theory, claim.unit)


def claim_line(claim: Claim, *, colour: bool) -> str:
    """One claim on one line: mark, verdict, text, what was seen, what theory says."""
    verdict = claim.verdict
    head = f"{MARKS[verdict]} {_(verdict)}"
    if colour:
        head = f"\033[{COLOURS[verdict]}m{head}\033[0m"
    expected = _("theory {figure}").format(figure=theory(claim))
    told = f" ({expected})" if claim.theory is not None else ""
    figures = f": {seen(claim)}{told}" if claim.seen is not None or told else ""
    why = f" — {said(claim.why)}" if verdict != PASS and claim.why else ""
    return f"  {head}  {said(claim.text)}{figures}{why}"


def answer(conclusion: Conclusion) -> str:
    """The answer to a scenario's sentence in words: "holds only for the first message"."""
    told = _(conclusion.answer)
    return f"{told} {said(conclusion.only)}" if conclusion.answer == "holds only" else told


def sentence_lines(record: Record, width: int, *, colour: bool) -> list[str]:
    """The sentence, and the run's answer to it; nothing if the scenario has no conclusion."""
    conclusion = record.conclusion
    if conclusion is None or not record.sentence:
        return []
    head = answer(conclusion)
    told = _wrapped(f"{head}: {said(conclusion.seen)}", width)
    if colour:
        # Line by line: a wrapped answer must not colour the space before its second line.
        lit = f"\033[1;{ANSWER_COLOURS[conclusion.answer]}m"
        left = head
        for number, line in enumerate(told):
            size = len(left) if line.startswith(left) else len(line)
            told[number] = f"{lit}{line[:size]}\033[0m{line[size:]}"
            left = left[size:].lstrip()
            if not left:
                break
    quoted = _wrapped(f"„{record.sentence}“", width)
    return [*(f"  {line}" for line in quoted), *(f"  {line}" for line in told)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - 4, break_long_words=False, break_on_hyphens=False)


def heading(record: Record) -> str:
    """The first line of a run: scenario, engine, link, lab and wall time, seed."""
    lab = _("{seconds} s of lab time").format(seconds=decimal(f"{record.lab_seconds:.1f}"))
    if record.wall_seconds is not None:
        lab += _(" in {seconds} s").format(seconds=decimal(f"{record.wall_seconds:.1f}"))
    link = _("link by {means}, kernel {release}").format(
        means=record.link_by, release=record.link_kernel
    )
    where = _("{scenario} on {engine}").format(scenario=record.scenario, engine=record.engine)
    return f"{where} ({link}), {lab}, {_('seed')} {record.seed}"


def probe_rows(record: Record) -> list[list[str]]:
    """A row per probe: who, in time, late, lost, out of order, latencies, retransmissions."""
    rows = []
    for probe in record.probes:
        latency = probe.latency.milliseconds() if probe.latency else {}
        rows.append(
            [
                f"{probe.host} → {probe.target}",
                probe.protocol,
                _("{count} of {of}").format(count=probe.delivered, of=probe.count),
                str(probe.late),
                str(probe.lost),
                str(probe.duplicated),
                str(probe.out_of_order),
                *(
                    decimal(f"{latency[name]:.3f}") if name in latency else "—"
                    for name in ("median", "p99", "max")
                ),
                str(probe.retransmits),
            ]
        )
    return rows


PROBE_HEADINGS = (
    Column(later("probe"), rank=4, long="whole"),
    Column(later("protocol"), long="whole"),
    Column(later("in time"), long="whole"),
    Column(later("late"), rank=3),
    Column(later("lost")),
    Column(later("twice"), rank=6),
    Column(later("out of order"), rank=6, long="whole"),
    Column(later("median ms"), long="whole"),
    Column(later("p99 ms"), rank=5, long="whole"),
    Column(later("max ms"), rank=1, long="whole"),
    Column(later("retransmits"), rank=2, long="whole"),
)

SUMMARY_HEADINGS = (
    Column(later("scenario"), long="whole"),
    Column(later("sentence"), rank=1, long="cut"),
    Column(later("what the run says of it"), long="cut"),
    Column(later("claims"), long="whole"),
)


def run(record: Record, width: int, *, colour: bool) -> str:
    """A whole run: its heading, probes, claims and warnings, and its answer to the sentence."""
    lines = [heading(record)]
    if len(record.probes) > 1:
        lines.append(table(PROBE_HEADINGS, probe_rows(record), width))
    lines += [claim_line(claim, colour=colour) for claim in record.claims]
    if not record.claims:
        lines.append(f"  ? {_(INCONCLUSIVE)}  {_('the scenario states no claim')}")
    lines += [f"  {_('warning')}: {said(warning)}" for warning in record.warnings]
    answer = sentence_lines(record, width, colour=colour)
    return "\n".join([*lines, *([""] if answer else []), *answer])


def summary_table(records: Sequence[Record], width: int) -> str:
    """The table that ends a run of many scenarios: a row for each, with its answer."""
    rows = []
    for record in records:
        judged = [claim for claim in record.claims if claim.verdict != NOT_APPLICABLE]
        holding = sum(claim.verdict == PASS for claim in judged)
        rows.append(
            [
                record.scenario,
                record.sentence,
                answer(record.conclusion) if record.conclusion else "—",
                f"{MARKS[record.verdict]} "
                + _("{count} of {of}").format(count=holding, of=len(judged)),
            ]
        )
    return table(SUMMARY_HEADINGS, rows, width)


def next_step(told: Sequence[tuple[Record, Path]], command: str) -> str:
    """One thing to try after these runs, each with its folder: a command, and what it shows."""
    for verdict in (FAIL, INCONCLUSIVE):
        for record, folder in told:
            if record.verdict == verdict:
                return _look_closer(record, folder, command)
    record, folder = next(((one, where) for one, where in told if one.then), told[0])
    if record.then:
        return f"{command} {record.then}"
    if record.traits.virtual:
        return f"{command} replay {folder.name}  ({_('the same packets again, byte for byte')})"
    return f"{command} run {record.scenario} --engine exact  ({_('the same in virtual time')})"


def _look_closer(record: Record, folder: Path, command: str) -> str:
    if record.verdict == FAIL:
        return f"{command} report {folder.name} --text  ({_('its packets, one by one')})"
    if record.traits.virtual:
        return (
            f"{command} run {record.scenario} --seed {record.seed + 1}  ({_('with other chances')})"
        )
    return (
        f"{command} run {record.scenario} --engine exact  ({_('in virtual time nothing disturbs')})"
    )
