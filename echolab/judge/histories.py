"""Claims about histories: whether what clients asked and learned is as a word says."""

from __future__ import annotations

from echolab.errors import BadInput
from echolab.history import models, words
from echolab.history.words import Finding
from echolab.record import FAIL, INCONCLUSIVE, PASS, Claim, Record, Verdict

TAKEN_BACK = ("heal", "resume", "restart")
"""The faults that end another one: the last of them makes the network whole."""


def judged(claim: Claim, record: Record) -> tuple[Verdict, str]:
    """The verdict on a claim about a history, and why."""
    try:
        finding = found(claim, record)
    except BadInput as error:
        return INCONCLUSIVE, str(error)
    if finding.holds is None:
        return INCONCLUSIVE, finding.why
    return (PASS, "") if finding.holds else (FAIL, finding.why)


def found(claim: Claim, record: Record) -> Finding:
    """What a claim's word finds in its history. Raises BadInput if the record lacks it."""
    for workload in record.histories:
        if workload.name == claim.history:
            model = models.find(claim.model)
            settled = whole(record) + claim.after
            return words.check(claim.word, model, workload.operations, settled)
    raise BadInput(f"the record has no history '{claim.history}'", "run the scenario again")


def whole(record: Record) -> float:
    """The lab second after which nothing was broken; 0 if nothing ever was."""
    ended = [fault.at for fault in record.faults if fault.kind in TAKEN_BACK]
    ended += [stretch.began for stretch in record.links if record.schedule]
    return max(ended, default=0.0)
