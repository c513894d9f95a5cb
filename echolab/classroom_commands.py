"""The classroom's commands: `check`, `grade`, `pack`, `museum`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
from click import argument, option

from echolab import clusters
from echolab.command_kinds import PATH, WholeNumber
from echolab.console import as_it_is, equipped, finish, note, say, screen, settings, tell
from echolab.errors import ExitStatus
from echolab.help_pages import Command
from echolab.language import translate as _

PLATFORM = click.Choice(["gradescope", "artemis", "moodle-vpl"])

exercise_argument = argument("name", metavar="EXERCISE", help="Its name or number.")


@click.command("check", cls=Command)
@exercise_argument
@argument("submission", type=PATH, metavar="SUBMISSION", help="A folder or a file.")
@option("--case", type=WholeNumber(1), metavar="N", help="Perform this case alone.")
@option(
    "--seed", type=WholeNumber(0, 2**32 - 1), metavar="N", default=1, help="The network it meets."
)
@option("--all", "everything", is_flag=True, help="Show every failed case in full.")
@option("--for", "target", type=PLATFORM, help="Write the files that this platform reads.")
@option("--out", type=PATH, metavar="DIR", default="results", help="Where the files of --for go.")
@option("--points", type=float, metavar="N", default=100.0, help="A full grade in moodle-vpl.")
def check_command(
    name: str,
    submission: Path,
    case: int | None,
    seed: int,
    everything: bool,
    target: str | None,
    out: Path,
    points: float,
) -> None:
    """Check a submission to an exercise: each case passed, failed, or not judged."""
    from echolab.classroom import check, exercise, text

    order = check.order(exercise.find(name), submission, seed, case)
    if target:
        from echolab.classroom import platform_check

        kind = platform_check.Target(target)
        whole = dataclasses.replace(order, chosen=())  # a platform's grade is that of all cases
        wanted = platform_check.Order(whole, kind, out, points)
        finish(platform_check.perform(wanted, settings(), as_it_is).status)
    result = check.check(order, equipped(), tell)
    if case is not None:
        result = dataclasses.replace(result, predictions=())  # these are about all cases
    say(text.check_text(result, everything=everything).rstrip())
    finish(result.status)


@click.command("grade", cls=Command)
@exercise_argument
@argument("folder", type=PATH, metavar="FOLDER", help="The class, or a platform's download.")
@option("--seed", type=WholeNumber(0), metavar="N", help="Draw each student's own network from it.")
@option("--out", type=PATH, metavar="DIR", default="grades", help="Where results go.")
@option("--jobs", type=WholeNumber(1), metavar="N", help="How many checks at a time.")
@option("--cluster", metavar="ADDRESS", help="Check on a Dask cluster's machines.")
@option("--resume", is_flag=True, help="Go on with what was stopped.")
@option("--again", multiple=True, metavar="NAME", help="Grade this one alone; repeat for more.")
@option("--worksheet", "sheet", type=PATH, metavar="FILE", help="Moodle's, to be filled in.")
def grade_command(name: str, cluster: str | None, **words: Any) -> None:
    """Check a class: table, CSV, JUnit XML, reports; files for Moodle, Gradescope, Artemis."""
    from echolab.classroom import exercise, gradebook, grading

    order = grading.Order(exercise.find(name), **words)
    base = equipped()
    with clusters.workers(cluster, "exact", base, order.out) as workers:
        table, status = grading.perform(order, base, tell, note, workers)
    say(table.rstrip())
    say(f"\n{_('page')}: {screen.path(order.out / gradebook.CLASS_PAGE)}")
    say(_("{file}, and more beside it").format(file=order.out / "results.csv"))
    finish(status)


@click.command("pack", cls=Command)
@exercise_argument
@option("--for", "target", type=PLATFORM, required=True, help="Where it is uploaded.")
@option("--out", type=PATH, metavar="FILE", help="The archive; EXERCISE-PLATFORM.zip if none.")
def pack_command(name: str, target: str, out: Path | None) -> None:
    """Make an autograder to upload: it checks offline, with the kernel inside."""
    from echolab.classroom import exercise, pack, platform_check

    found, kind = exercise.find(name), platform_check.Target(target)
    path = out or Path(f"{found.name}-{target}.zip")
    pack.write(found, kind, path, equipped(), tell)
    say(f"{screen.path(path)}: {pack.NEXT[kind]}")


@click.command("museum", cls=Command)
@argument("name", required=False, help="One exhibit; all if none.")
@option("--test", type=PATH, metavar="FILE", help="A student's test that judges the exhibits.")
def museum_command(name: str | None, test: Path | None) -> None:
    """Show the lecture's mistakes as servers, each broken and fixed."""
    from echolab.classroom import museum

    if test is not None:
        visits = museum.test_program(test, equipped(), tell)
        say(museum.visits_text(visits).rstrip())
        finish(ExitStatus.PASS if all(visit.right for visit in visits) else ExitStatus.FAIL)
    exhibits = museum.show(name, equipped(), tell)
    say(museum.show_text(exhibits).rstrip())
    finish(ExitStatus.PASS if museum.works(exhibits) else ExitStatus.CANNOT)


COMMANDS = (check_command, grade_command, pack_command, museum_command)
