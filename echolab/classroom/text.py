"""A result as text for a terminal or a file: the same bytes for the same result."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from echolab.classroom.verdict import CaseResult, CheckResult, Verdict

MARKS = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.NOT_JUDGED: "?"}

STEPS_SHOWN = 12
"""Steps that are shown of those that had worked, from the end."""


def check_text(result: CheckResult) -> str:
    """The whole answer to one submission."""
    lines = [
        f"{result.exercise}: {result.submission} ({result.language}, seed {result.seed})",
        "",
    ]
    for case in result.cases:
        lines += case_lines(case, result.replay)
    lines += ["", summary(result)]
    if result.predictions:
        lines += ["", *prediction_lines(result)]
    return "\n".join(lines) + "\n"


def summary(result: CheckResult) -> str:
    """One line: how many cases passed, failed, were not judged."""
    parts = [f"{result.count(Verdict.PASSED)} of {len(result.cases)} cases passed"]
    for verdict in (Verdict.FAILED, Verdict.NOT_JUDGED):
        if number := result.count(verdict):
            parts.append(f"{number} {verdict}")
    return ", ".join(parts)


def case_lines(case: CaseResult, replay: Sequence[str]) -> list[str]:
    """The lines of one case; a failed one is explained."""
    head = f"{MARKS[case.verdict]} {case.number} {case.name}: {case.title}"
    if case.verdict == Verdict.PASSED:
        return [head]
    if case.verdict == Verdict.NOT_JUDGED:
        return [head, f"    not judged, and not your fault: {case.reason}"]
    return [head, *explanation(case), *_again(case, replay), ""]


def explanation(case: CaseResult) -> list[str]:
    """Why a case failed, without the solution."""
    lines = []
    if case.steps:
        lines.append("    what had worked:")
        if len(case.steps) > STEPS_SHOWN:
            lines.append(f"      … {len(case.steps) - STEPS_SHOWN} earlier steps")
        for step in case.steps[-STEPS_SHOWN:]:
            lines.append(f"      {step.at:10.4f} s  {step.text}")
    lines.append(f"    then:     {case.expectation}")
    lines.append(f"    expected: {case.expected}")
    lines.append(f"    seen:     {case.seen}")
    if case.why:
        lines.append(f"              {case.why}")
    lines += [f"    program:  {ending}" for ending in case.endings]
    if case.output:
        lines.append("    the program said on standard error:")
        lines += [f"      {line}" for line in case.output.splitlines()]
    if case.timeline:
        lines.append("    the last system calls and packets:")
        lines += [f"      {line}" for line in case.timeline]
    if case.question:
        lines.append(f"    think about: {case.question}")
    return lines


def _again(case: CaseResult, replay: Sequence[str]) -> list[str]:
    if not replay:
        return []
    return [f"    again: {shlex.join([*replay, '--case', str(case.number)])}"]


def prediction_lines(result: CheckResult) -> list[str]:
    """Predictions beside what happened, as a table."""
    rows = [("prediction", "yours", "what happened")]
    for item in result.predictions:
        happened = "(not reached)" if item.happened is None else item.happened
        rows.append((item.name, item.predicted or "(none)", happened))
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as aligned lines; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_row(row, widths) for row in rows]
    return [lines[0], "-" * len(_row(["-" * width for width in widths], widths)), *lines[1:]]


def _row(cells: Iterable[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
