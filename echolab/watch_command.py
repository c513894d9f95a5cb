"""The command `watch`: a run on a page, with its time in the reader's hand."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click import argument, option

from echolab.command_kinds import PATH, WholeNumber, WithParameters, drawn, files_options
from echolab.console import equipped, say, screen, tell, warn
from echolab.language import translate as _

if TYPE_CHECKING:
    from echolab.runs.plan import PlannedRun
    from echolab.settings import Settings
    from echolab.watch.session import Session


@click.command("watch", cls=WithParameters)
@argument("name", metavar="SCENARIO", help="Its name, or a file; with --check a submission.")
@option("--seed", type=WholeNumber(0, 2**63 - 1), metavar="N", help="The seed of the run.")
@option("--set", metavar="KEY=VALUE", multiple=True, help="A parameter; repeat for more.")
@option("--out", type=PATH, metavar="DIR", default=Path("runs"), help="Where its folder is made.")
@option("--compose", type=PATH, metavar="FILE", help="A Compose file of hosts of your own.")
@option("--check", "exercise", metavar="EXERCISE", help="Watch a case of this exercise.")
@option("--case", type=WholeNumber(1), metavar="N", default=1, help="Which case, with --check.")
@option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@files_options
def watch_command(
    name: str,
    seed: int | None,
    set: Sequence[str],
    out: Path,
    compose: Path | None,
    exercise: str | None,
    case: int,
    opened: bool,
) -> None:
    """Watch a run: a local page with its packets, on which time can be stopped and changed."""
    base = equipped(compose)
    if exercise is not None:
        _watch_case(exercise, Path(name), case, seed, base, opened=opened)
        return
    run = _planned(name, set, compose, drawn(seed), base)
    _watch(run, out, base, opened=opened)


def _planned(
    name: str, words: Sequence[str], compose: Path | None, seed: int, base: Settings
) -> PlannedRun:
    """The one run of a scenario's name or file. Raises BadInput if it has several."""
    from echolab.engines import registry
    from echolab.runs import catalogue, plan

    planned = plan.plan(
        [catalogue.only(name)],
        plan.assignments(words),
        compose=compose,
        seed=seed,
        capture=True,
        environment=os.environ,
    )
    chosen, _reason = registry.choose("exact", base)
    return plan.for_engine(planned, chosen.NAME)[0]


def _watch_case(
    name: str, submission: Path, number: int, seed: int | None, base: Settings, *, opened: bool
) -> None:
    """Watch a case of an exercise; its run is gone with its page."""
    from echolab.classroom import check, exercise
    from echolab.classroom.watched_case import watched_case

    found = exercise.find(name)
    given = check.DEFAULT_SEED if seed is None else seed
    with watched_case(found, submission, number, given, base, tell) as one:
        _watch(one.planned, one.out, base, one.furnish, question=one.case.question, opened=opened)


class _Bell:
    """What a session rings when there is more to see; nobody may listen yet."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] = lambda: None

    def ring(self) -> None:
        """Tell whoever listens."""
        self._listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a listener from now on, for what there may be to see already too."""
        self._listener = listener
        listener()


def _serve(run: PlannedRun, session: Session, bell: _Bell, question: str, *, opened: bool) -> None:
    from echolab.watch import page
    from echolab.watch.server import Server

    def listened(changed: Callable[[], None]) -> Session:
        bell.listen(changed)
        return session

    server = Server(page.draw(run, question), listened)
    say(f"{_('page')}: {server.url}")
    say(_("It ends when the page is closed, or with Ctrl-C."))
    if opened:
        import webbrowser

        webbrowser.open(server.url)
    server.serve()


def _watch(
    run: PlannedRun,
    out: Path,
    base: Settings,
    furnish: Callable[[Path], None] | None = None,
    *,
    question: str = "",
    opened: bool,
) -> None:
    """Serve the page of a run until it is closed."""
    from echolab.watch.session import Session

    warn(run.warnings)
    bell = _Bell()
    session = Session(run, out, base, bell.ring, furnish)  # it boots while the page is made
    kept = None
    try:
        with contextlib.suppress(KeyboardInterrupt):
            _serve(run, session, bell, question, opened=opened)
    finally:
        kept = session.close()
    if kept and furnish is None:
        say(f"{_('record')}: {screen.path(kept / 'record.json')}")
