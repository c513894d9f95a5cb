"""The result of exploring, for the terminal: the least schedule, the contradiction, the packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from echolab.history import linearizability, models
from echolab.history.values import History
from echolab.judge import histories
from echolab.language import translate as _
from echolab.record import FAIL, Claim, Fault, Record
from echolab.report import excerpts, labels, story, violation
from echolab.sayings import said
from echolab.schedule import Schedule

MOST_LINES = 24
"""How many lines of the packet story are shown."""


def failure(record: Record, folder: Path, schedule: Schedule, width: int) -> Iterator[str]:
    """A run that broke a claim, in lines of at most `width` columns."""
    yield _("the faults that it takes:") if schedule else _("it takes no fault")
    for fault in schedule:
        yield f"  {fault}"
    parameters = " ".join(f"{name}={value}" for name, value in record.parameters.items())
    yield f"  {_('seed')} {record.seed} {parameters}".rstrip()
    for claim in record.claims:
        if claim.verdict == FAIL:
            yield ""
            yield from _claim(claim, record, width)
    yield ""
    yield from _packets(record, folder, width)


def _claim(claim: Claim, record: Record, width: int) -> Iterator[str]:
    """What contradicts a claim; of a history, the smallest part that does."""
    yield f"✘ {said(claim.text)}: {said(claim.why)}"[:width]
    if claim.kind != "history":
        return
    yield ""
    if claim.word == "linearizable":
        model = models.find(claim.model)
        result = linearizability.check(_history(claim, record), model)
        yield from violation.lines(result, model, width)
        return
    part = histories.found(claim, record).part
    yield from violation.bars(part, width)


def _history(claim: Claim, record: Record) -> History:
    found = (one.operations for one in record.histories if one.name == claim.history)
    return next(found, ())


def _packets(record: Record, folder: Path, width: int) -> Iterator[str]:
    """The packets around the moment after which nothing explains what was seen."""
    told = story.load(record, folder)
    at = _moment(record)
    found = excerpts.at(told, at) if at is not None else None
    chosen: Sequence[excerpts.Excerpt] = (found,) if found else story.chosen(record, told)
    if not chosen:
        return
    lines = list(labels.lines(chosen[0], told))
    yield from (line[:width] for line in lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        more = _("… {count} more lines: the report has them")
        yield more.format(count=len(lines) - MOST_LINES)


def _moment(record: Record) -> float | None:
    """When the last operation that contradicts a claim was called."""
    for claim in record.claims:
        if claim.verdict == FAIL and claim.kind == "history":
            part = histories.found(claim, record).part
            return max((one.invoked for one in part), default=None)
    faults: Sequence[Fault] = record.faults
    return faults[0].at if faults else None
