"""The result of exploring, performed once more with captures, and told line by line."""

from __future__ import annotations

from collections.abc import Iterator

from echolab.language import translate as _
from echolab.progress import Progress
from echolab.report import exploration
from echolab.runs import folders, reports
from echolab.runs.explore import Explored, Explorer
from echolab.runs.search import Failure
from echolab.sayings import said


def told(explorer: Explorer, explored: Explored, width: int, progress: Progress) -> Iterator[str]:
    """What exploring found, in lines of at most `width` columns; raises as `lines` does."""
    yield explored.line()
    for failure in explored.failures:
        yield from lines(explorer, failure, width, progress)
    for failure in explored.unrepeated:
        only = _("run {number} broke: {claims}; but only after other runs in the same guest")
        yield ""
        yield only.format(number=failure.place + 1, claims=", ".join(map(said, failure.claims)))
    if not explored.failures and not explored.unrepeated:
        yield _("no claim broke")


def lines(explorer: Explorer, failure: Failure, width: int, progress: Progress) -> Iterator[str]:
    """The simplest run that fails: its faults, what contradicts it, its packets, its command.

    Raises the error that ends it, if it ends differently this time.
    """
    yield ""
    broken = _("run {number} breaks: {claims}; made simpler in {runs} runs")
    yield broken.format(
        number=failure.place + 1,
        claims=", ".join(map(said, failure.claims)),
        runs=failure.shrinks,
    )
    run = explorer.perform(failure, progress)
    if run.error:
        raise run.error
    assert run.record is not None and run.folder is not None
    folders.point_latest(run.folder)
    yield from exploration.failure(run.record, run.folder, failure.draw.schedule, width)
    yield f"  {_('page')}: {reports.write([(run.record, run.folder)])}"
    yield f"  {_('again')}: {explorer.command(failure)}"
