"""The command `sweep`: one figure of a scenario over a grid of its parameters."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import click
from click import argument, option

from echolab import clusters
from echolab.command_kinds import PATH, WholeNumber, files_options
from echolab.console import equipped, finish, note, say, screen, tell, warn, width
from echolab.help_pages import Command
from echolab.language import translate as _


@click.command("sweep", cls=Command)
@argument("name", metavar="SCENARIO", help="Its name, or a file of your own.")
@option(
    "--over",
    metavar="KEY=VALUES",
    multiple=True,
    required=True,
    help="A parameter that varies: START:END:STEP or VALUE,VALUE; repeat for more.",
)
@option("--seeds", type=WholeNumber(1, 10**6), metavar="N", default=20, help="Runs at each point.")
@option("--figure", metavar="NAME", help="What to show, for example datagrams.lost.")
@option("--set", metavar="KEY=VALUE", multiple=True, help="A fixed parameter; repeat for more.")
@option("--engine", metavar="NAME", default="exact", help="exact, docker or namespaces.")
@option("--cluster", metavar="ADDRESS", help="Perform the runs on a Dask cluster's machines.")
@option("--compose", type=PATH, metavar="FILE", help="A Compose file of hosts of your own.")
@files_options
@option(
    "--out",
    type=PATH,
    metavar="DIR",
    default=Path("runs"),
    help="Where the sweep's folder is; the same command goes on there where it stopped.",
)
def sweep_command(
    name: str,
    over: Sequence[str],
    seeds: int,
    figure: str | None,
    set: Sequence[str],
    engine: str,
    cluster: str | None,
    compose: Path | None,
    out: Path,
) -> None:
    """Run a scenario over a grid with many seeds: a table, CSV, and a page of small multiples."""
    from echolab.engines import registry
    from echolab.runs import catalogue, figures, folders, grid, plan, sweep, sweep_page
    from echolab.runs.workers import NoWorkers

    entry = catalogue.only(name)
    base = equipped(compose, engine)
    chosen = registry.choose(engine, base)[0]
    planned = sweep.plan(
        entry,
        [grid.axis(text) for text in over],
        plan.assignments(set),
        seeds,
        engine=chosen,
        compose=compose,
        environment=os.environ,
        out=out,
        roots=base.roots,
    )
    warn(planned.warnings)
    done: list[sweep.Done] = []
    ended: NoWorkers | None = None
    try:
        with (
            clusters.workers(cluster, chosen.NAME, base, planned.folder) as workers,
            contextlib.closing(sweep.execute(planned, chosen, base, tell, workers)) as runs,
        ):
            done.extend(runs)
    except NoWorkers as broken:
        if not done:
            raise
        ended = broken
    known = sweep.figure_names(done)
    for error in dict.fromkeys(one.error for one in done if one.error):
        note(f"echolab: {error}")
    if known:
        shown = figures.chosen(known[0] if figure is None else figure, known)
        rows = sweep.rows(planned, done, shown)
        say(f"{planned.name} · {chosen.NAME} · {shown} · {len(done)} {_('runs')}")
        say(sweep.table(planned, rows, width()))
        table = planned.folder / "sweep.csv"
        folders.write(table, sweep.csv_of(planned, rows, shown))
        page = planned.folder / "sweep.html"
        folders.write(page, sweep_page.draw(planned, rows, shown))
        say(f"  {_('table')}: {screen.path(table)}\n  {_('page')}: {screen.path(page)}")
    if ended is not None:
        raise ended
    finish(sweep.status(done))
