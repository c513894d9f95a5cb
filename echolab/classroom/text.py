"""A result as text for a terminal or a file: the same bytes for the same result."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Sequence

from echolab import sayings
from echolab.classroom.verdict import CaseResult, CheckResult, Verdict
from echolab.language import decimal
from echolab.language import translate as _

MARKS = {Verdict.PASSED: "✔", Verdict.FAILED: "✘", Verdict.NOT_JUDGED: "?"}

LOCALE_WORDS = ("unsupported locale setting", "setlocale")
"""What programs print that asked for a locale which does not exist."""

STEPS_SHOWN = 12
"""How many of the last steps that had worked are shown."""


def check_text(result: CheckResult, *, everything: bool = True) -> str:
    """The report on one submission, its summary first.

    Without `everything`, only the first failed case is shown in full, and each other one on one
    line. A reason that all cases share, such as a failed build, is given once.
    """
    how = ", ".join((*(result.tools or (result.language,)), f"{_('seed')} {result.seed}"))
    explained = set(_explained(result.cases))
    lines = [
        f"{result.exercise}: {result.submission} ({how})",
        summary(result),
        *_first_of_all(result),
        "",
        *_case_lines(result, explained, everything),
        *_advice(result, explained),
    ]
    if result.predictions:
        lines += ["", *prediction_lines(result)]
    return "\n".join(lines) + "\n"


def _explained(cases: Sequence[CaseResult]) -> list[int]:
    """The numbers of the cases to explain: of those with the same reason, only the first.

    If none passed, the first explains why: the others often fail for the same reason.
    """
    if any(case.verdict == Verdict.PASSED for case in cases):
        told: dict[tuple[str, str, str], int] = {}
        for case in cases:
            same = (case.reason, case.expectation, case.seen) if not case.steps else ("", "", "")
            told.setdefault(same if any(same) else (str(case.number), "", ""), case.number)
        return list(told.values())
    return [case.number for case in cases[:1]]


def _first_of_all(result: CheckResult) -> list[str]:
    """What to write first, if the starter was handed in unchanged."""
    if not result.starter or result.count(Verdict.PASSED):
        return []
    said = _("This is the starter as it was handed out. Write first: {task}")
    return [said.format(task=result.starter)]


def _advice(result: CheckResult, explained: set[int]) -> list[str]:
    """What to look at first, if nothing passed."""
    if len(explained) == len(result.cases) or result.count(Verdict.PASSED):
        return []
    first = result.cases[0]
    if first.verdict == Verdict.NOT_JUDGED or not first.steps or _alike(result.cases):
        return []
    begin = _("Begin with case {number}: the others often fail for the same reason.")
    lines = [begin.format(number=first.number)]
    if result.replay:
        lines.append(f"{_('What the others say')}: {shlex.join(result.replay)} --case N")
    return ["", *lines]


def _case_lines(result: CheckResult, explained: set[int], everything: bool) -> list[str]:
    failed = [case for case in result.cases if case.verdict == Verdict.FAILED]
    if _alike(result.cases):
        first = dataclasses.replace(result.cases[0], question="")
        all_of_them = _("all {count} cases, for the same reason").format(count=len(result.cases))
        again = f"    {_('again')}: {shlex.join(result.replay)}" if result.replay else ""
        return [
            f"{MARKS[first.verdict]} {all_of_them}:",
            *(explanation(first) if failed else [_not_judged(first)]),
            *filter(None, [again]),
        ]
    lines: list[str] = []
    folded = 0
    alike = not result.count(Verdict.PASSED)
    for case in result.cases:
        if everything or case.verdict != Verdict.FAILED or case is failed[0]:
            told = case.number in explained
            lines += case_lines(case, result.replay) if told else [_head(case)]
        else:
            folded += 1
            tail = "" if alike else f" — {in_short(case)}"
            lines.append(f"{_head(case)}{tail}")
    if folded and not alike:
        lines += ["", _("--all tells every failed case whole, --case N one of them")]
    return lines


def _alike(cases: Sequence[CaseResult]) -> bool:
    """Whether all of several cases ended badly, and for the same reason."""
    passed = any(case.verdict == Verdict.PASSED for case in cases)
    return len(cases) > 1 and not passed and len(set(map(_why, cases))) == 1


def _why(case: CaseResult) -> tuple[object, ...]:
    return (
        case.verdict,
        case.reason,
        case.expectation,
        case.expected,
        case.seen,
        case.steps,
        case.output,
    )


def summary(result: CheckResult) -> str:
    """One line: how many cases passed, failed, and were not judged."""
    parts = [
        _("{count} of {of} cases passed").format(
            count=result.count(Verdict.PASSED), of=len(result.cases)
        )
    ]
    for verdict in (Verdict.FAILED, Verdict.NOT_JUDGED):
        if number := result.count(verdict):
            parts.append(f"{number} {_(verdict.value)}")
    return ", ".join(parts)


def case_lines(case: CaseResult, replay: Sequence[str]) -> list[str]:
    """The lines of one case; a failed one is explained."""
    head = _head(case)
    if case.verdict == Verdict.PASSED:
        return [head]
    if case.verdict == Verdict.NOT_JUDGED:
        return [head, _not_judged(case)]
    return [head, *explanation(case), *_again(case, replay), ""]


def _not_judged(case: CaseResult) -> str:
    return f"    {_('not judged, and not your fault')}: {sayings.error(case.reason)}"


def _head(case: CaseResult) -> str:
    return f"{MARKS[case.verdict]} {case.number} {case.name}: {_(case.title)}"


def explanation(case: CaseResult) -> list[str]:
    """Why a case failed, without the solution."""
    lines = []
    if case.steps:
        lines.append(f"    {_('what had worked')}:")
        if len(case.steps) > STEPS_SHOWN:
            lines.append(
                "      … " + _("{count} earlier steps").format(count=len(case.steps) - STEPS_SHOWN)
            )
        for step in case.steps[-STEPS_SHOWN:]:
            at = decimal(format(step.at, "10.4f"))
            lines.append(f"      {at} s  {sayings.of_case(step.text)}")
    names = [_("then"), _("expected"), _("seen"), _("program"), _("faults")]
    size = max(map(len, names)) + 1
    then, expected, seen, program, faults = (f"{name}:".ljust(size) for name in names)
    if case.explored:
        fewest = case.schedule or (_("none: it fails without any"),)
        lines += [f"    {faults} {fault}" for fault in fewest]
    lines.append(f"    {then} {sayings.of_case(case.expectation)}")
    lines.append(f"    {expected} {sayings.of_case(case.expected)}")
    shown, *rest = _seen(case).splitlines() or [""]  # several where a compiler says it
    lines += [f"    {seen} {shown}", *(f"    {'':{size}} {line}" for line in rest)]
    if case.why:
        lines.append(f"    {'':{size}} {sayings.of_case(case.why)}")
    lines += [f"    {program} {sayings.of_case(ending)}" for ending in case.endings]
    if case.output:
        lines.append(f"    {_('the program wrote to standard error')}:")
        lines += [f"      {line}" for line in case.output.splitlines()]
    if any(words in case.output for words in LOCALE_WORDS):
        said = _("the hosts have the locales C, POSIX and C.UTF-8, and no other")
        lines.append(f"    ({said})")
    if case.timeline:
        lines.append(f"    {_('the last system calls and packets')}:")
        lines += [f"      {line}" for line in case.timeline]
    if case.question:
        lines.append(f"    {_('think about')}: {_(case.question)}")
    return lines


def in_short(case: CaseResult) -> str:
    """What was expected and what was seen, in one line."""
    said = _("expected {expected}, seen {seen}")
    return said.format(expected=sayings.of_case(case.expected), seen=_seen(case))


def _seen(case: CaseResult) -> str:
    """What was seen; what has several lines is a compiler's."""
    return case.seen if "\n" in case.seen else sayings.of_case(case.seen)


def _again(case: CaseResult, replay: Sequence[str]) -> list[str]:
    if not replay:
        return []
    return [f"    {_('again')}: {shlex.join([*replay, '--case', str(case.number)])}"]


def prediction_lines(result: CheckResult) -> list[str]:
    """Predictions beside what happened, as a table."""
    rows = [(_("prediction"), _("yours"), _("what happened"))]
    for item in result.predictions:
        happened = _("(not reached)") if item.happened is None else item.happened
        rows.append((item.name, item.predicted or _("(none)"), happened))
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as aligned lines; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_row(row, widths) for row in rows]
    return [lines[0], "-" * len(_row(["-" * width for width in widths], widths)), *lines[1:]]


def _row(cells: Iterable[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
