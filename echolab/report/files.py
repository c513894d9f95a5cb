"""Where reports are written: beside the record, beside the first of two, above many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from echolab import runs
from echolab.record import Record
from echolab.report import compare, page

Told = tuple[Record, Path]
"""A judged record and the folder of its run."""

COMPARISON = "compare.html"


def write(told: Sequence[Told], out: Path | None = None, at: float | None = None) -> Path:
    """Draw one run, two side by side, or many, and return where the page is.

    It goes to `out`, else beside the record of the first run. `at` adds the packets from
    that lab second on. Raises CannotRun where it cannot be written.
    """
    if len(told) == 2:
        first, second = told
        drawn, name = compare.draw(first, second, at), COMPARISON
    else:
        drawn, name = page.draw(told, at), runs.REPORT
    path = out or told[0][1] / name
    runs.write(path, drawn)
    return path


def write_together(told: Sequence[Told], base: Path) -> Path:
    """Draw the runs of one call, however many, as one page in the folder above theirs."""
    path = base / runs.REPORT
    runs.write(path, page.draw(told))
    return path
