"""The session guarantees, for histories that write each value to a key only once.

Terry and others ("Session guarantees for weakly consistent replicated data", 1994) define them by
the order of a key's versions. A history does not tell that order, but what one process saw in turn
says something about it.

Strategy: each guarantee is a set of arrows between the versions of a key, "no later than":

- `monotonic reads`: from what a process read to what it reads next
- `read your writes`: from what a process wrote to what it reads next
- `monotonic writes`: from what a process wrote to what it writes next
- `writes follow reads`: from what a process read to what it writes next

All versions come after the first one, which nobody wrote. The guarantee is broken if no order of
the versions agrees with all its arrows, that is, if they form a circle. Writes only become visible
through reads: the last two guarantees are broken if a circle has one of their arrows in addition to
those of reads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from echolab.errors import BadInput
from echolab.history.models import Model
from echolab.history.values import Datum, History, Operation, by_key, shown

GUARANTEES = ("read your writes", "monotonic reads", "monotonic writes", "writes follow reads")

WRITES: Mapping[str, str] = {"cas-register": "write", "kv": "put"}
"""The function that replaces a key's value, for each model that has one."""


@dataclasses.dataclass(frozen=True)
class Broken:
    """A guarantee that does not hold: in words, with the operations that show it."""

    why: str
    part: History


@dataclasses.dataclass(frozen=True)
class _Arrow:
    """One version is no later than another, according to two operations of a process."""

    before: Datum
    behind: Datum
    seen: tuple[Operation, Operation]


def broken(word: str, model: Model, history: History) -> Broken | None:
    """What breaks a guarantee; None if nothing does.

    Raises BadInput for a model, or for values, whose versions cannot be told apart.
    """
    if model.name not in WRITES:
        raise BadInput(
            f"a {model.name} cannot be held to {word}", f"it takes a {' or a '.join(WRITES)}"
        )
    for key, part in by_key(history).items():
        _check_versions(key, part, model)
        found = _broken_key(word, model, part)
        if found:
            subject = "" if key is None else f"key {shown(key)}: "
            return dataclasses.replace(found, why=f"{subject}{found.why}")
    return None


def _check_versions(key: Datum, part: History, model: Model) -> None:
    written = [one.argument for one in part if one.function not in model.reads]
    others = {one.function for one in part} - {*model.reads, WRITES[model.name]}
    if others or len(set(written)) < len(written):
        what = f"'{min(others)}'" if others else "a value that is written twice"
        raise BadInput(
            f"the versions of {'the key' if key is None else shown(key)} cannot be told: there is "
            f"{what}",
            "have the clients write each value once",
        )


def _broken_key(word: str, model: Model, part: History) -> Broken | None:
    own = list(_arrows(word, model, part))
    reads = own if word == "monotonic reads" else list(_arrows("monotonic reads", model, part))
    helped = word in ("monotonic writes", "writes follow reads")
    every = own + reads if helped else own
    reached: dict[Datum, set[Datum]] = {}
    for arrow in every:
        reached.setdefault(arrow.before, set()).add(arrow.behind)
    for arrow in own:
        if arrow.before in (arrow.behind, model.first):
            continue
        if any(_leads(arrow.behind, end, reached) for end in (arrow.before, model.first)):
            one, other = arrow.seen
            return Broken(f"{one.process}: {one}, then {other}", arrow.seen)
    return None


def _leads(begin: Datum, end: object, reached: Mapping[Datum, set[Datum]]) -> bool:
    work, seen = [begin], {begin}
    while work:
        at = work.pop()
        if at == end:
            return True
        new = reached.get(at, set()) - seen
        seen |= new
        work += new
    return False


def _arrows(word: str, model: Model, part: History) -> Iterator[_Arrow]:
    """What each process saw in turn, for one guarantee."""
    first_reads = word in ("monotonic reads", "writes follow reads")
    second_reads = word in ("monotonic reads", "read your writes")
    processes: dict[str, list[Operation]] = {}
    for one in sorted(part, key=lambda one: one.invoked):
        if one.outcome == "ok":
            processes.setdefault(one.process, []).append(one)
    for operations in processes.values():
        for place, later in enumerate(operations):
            if (later.function in model.reads) is not second_reads:
                continue
            for sooner in operations[:place]:
                if (sooner.function in model.reads) is first_reads:
                    yield _Arrow(_version(sooner, model), _version(later, model), (sooner, later))


def _version(operation: Operation, model: Model) -> Datum:
    if operation.function not in model.reads:
        return operation.argument
    empty = operation.result is None and model.first == ""
    return "" if empty else operation.result
