"""The last system calls and packets of a case on one time line, as lines of text."""

from __future__ import annotations

from pathlib import Path

from echolab.record import Record

WINDOW = 2.0
"""Lab seconds before the end of a case that are shown."""

MOST_LINES = 24


def lines(record: Record, folder: Path) -> tuple[str, ...]:
    """The end of the story that a traced and captured case tells; empty where there is none."""
    from echolab.report import calls, story, stretches, words

    told = story.load(record, folder)
    if not told.steps:
        found = calls.of_record(record)
        return tuple(f"{call.host}  {call.text} returns {call.result}" for call in found)[
            -MOST_LINES:
        ]
    last = told.seconds(told.steps[-1].at)
    stretch = stretches.at(told, max(0.0, last - WINDOW))
    if stretch is None:
        return ()
    return tuple(words.lines(stretch, told))[-MOST_LINES:]
