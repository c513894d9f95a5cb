"""One case of an exercise as a run that can be watched, with the submission built for it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from echolab.classroom import case_runs, check, staging, submission_files, toolchains
from echolab.classroom.case import Case
from echolab.classroom.exercise import Exercise
from echolab.classroom.workplace import workplace
from echolab.errors import BadInput
from echolab.language import translate as _
from echolab.progress import Progress
from echolab.runs.plan import PlannedRun
from echolab.settings import Settings


@dataclasses.dataclass(frozen=True)
class WatchedCase:
    """A case to watch: its run, where the run's folder is made, and how that is furnished."""

    case: Case
    planned: PlannedRun
    out: Path
    furnish: Callable[[Path], None]


@contextlib.contextmanager
def watched_case(
    exercise: Exercise,
    submission: Path,
    number: int,
    seed: int,
    settings: Settings,
    progress: Progress,
) -> Iterator[WatchedCase]:
    """Build a submission, and offer the run of a case without faults while this is open.

    It has no turn of its own as in a check, so what it meets by chance may differ from what the
    check has seen. Raises BadInput for a case that does not exist and a submission
    that is not built, and CannotRun if this machine cannot build it.
    """
    order = check.order(exercise, submission, seed, number)
    case = exercise.cases[number - 1]
    with workplace(settings.cache) as folder:
        tools = toolchains.of_machine(Path.home())
        given = staging.unpacked(order.submission, folder / "unpacked")
        found = check.find(given, exercise.called, folder, tools)
        submission_files.check_shown(folder / case_runs.FILES)
        toolchains.need(found, tools)
        failure = check.build(found, folder, seed, tools, settings, progress)
        if failure:
            raise BadInput(failure[2], _("fix that, and watch again"))
        chosen = check.built(found, folder, exercise.called)
        job = case_runs.job(exercise, case, chosen, case.runs(seed)[0], folders=tools.folders)
        compose = exercise.folder / "compose.yaml"
        yield WatchedCase(
            case,
            PlannedRun(dataclasses.replace(job, capture=True), compose),
            folder / "watched",
            lambda own: case_runs.furnish(folder / case_runs.FILES, own),
        )
