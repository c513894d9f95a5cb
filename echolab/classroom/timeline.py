"""The last system calls and packets of a case on one time line, as lines of text."""

from __future__ import annotations

from pathlib import Path

from echolab.record import Record

WINDOW = 2.0
"""How many lab seconds before the end of a case are shown."""

MOST_LINES = 24


def lines(record: Record, folder: Path) -> tuple[str, ...]:
    """The end of the packet story of a traced and captured case; empty if there is none."""
    from echolab.report import calls, excerpts, labels, story

    told = story.load(record, folder)
    if not told.packet_events:
        found = calls.of_record(record)
        return tuple(f"{call.host}  {call.text} returns {call.result}" for call in found)[
            -MOST_LINES:
        ]
    last = told.seconds(told.packet_events[-1].at)
    excerpt = excerpts.at(told, max(0.0, last - WINDOW))
    if excerpt is None:
        return ()
    return tuple(labels.at_lab_time(excerpt, told))[-MOST_LINES:]
