"""Where reports are written: one run's beside its record; those of several never overwrite one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from echolab.errors import BadInput
from echolab.record import Record
from echolab.report import compare, page
from echolab.runs import folders

Told = tuple[Record, Path]
"""A judged record and the folder of its run."""


def write(told: Sequence[Told], out: Path | None = None, at: float | None = None) -> Path:
    """Draw one run, two side by side, or many, and return where the page is.

    It goes to `out`. Without `out`, one run's page goes beside its record, that of two beside the
    first's record, under the name of the other, and that of many above the first one's folder,
    under a new name. `at` adds the packets from that lab second on. Raises BadInput for a second
    that is not within one of the runs, and CannotRun if the page cannot be written.
    """
    for record, folder in told:
        check_moment(record, folder, at)
    if len(told) > 2:
        return write_together(told, told[0][1].parent, out, at)
    if len(told) == 2:
        first, second = told
        path = out or first[1] / f"compare-{second[1].name}.html"
        drawn = compare.draw(first, second, at, path.parent)
    else:
        path = out or told[0][1] / folders.REPORT
        drawn = page.draw(told, at, path.parent)
    folders.write(path, drawn)
    return path


def write_together(
    told: Sequence[Told], base: Path, out: Path | None = None, at: float | None = None
) -> Path:
    """Draw any number of runs as one page: `out`, or a new file in the folder `base`."""
    drawn = page.draw(told, at, out.parent if out else base)
    path = out or folders.new_file(base, folders.REPORT)
    folders.write(path, drawn)
    return path


def check_moment(record: Record, folder: Path, at: float | None) -> None:
    """Raise BadInput for a second that is not within a run."""
    if at is not None and not 0 <= at <= record.lab_seconds:
        raise BadInput(
            f"second {at:g} is not within {folder.name}",
            f"give a second from 0 to {record.lab_seconds:.3f}",
        )
