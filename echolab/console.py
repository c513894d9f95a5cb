"""The console: what commands read from the environment, what they print, and how they end."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from echolab import output, sayings
from echolab.errors import EcholabError, ExitStatus, ScriptError
from echolab.language import translate as _

if TYPE_CHECKING:
    from echolab.settings import Settings

screen = output.Screen(lambda: sys.stdout, os.environ)
errors = output.Screen(lambda: sys.stderr, os.environ)
tell = output.ProgressLine(errors)


def settings(compose: Path | None = None) -> Settings:
    """The settings of this call, from the environment and from its options for hosts."""
    from echolab.command_kinds import brought
    from echolab.settings import Settings

    base, (roots, reach) = Settings.from_environment(os.environ, compose), brought()
    return dataclasses.replace(base, roots=roots, reach=reach) if roots or reach else base


def equipped(compose: Path | None = None, engine: str = "exact") -> Settings:
    """The settings, after installing what a first run on the engine lacks, if this user may."""
    from echolab import packages
    from echolab.engines import registry

    base = settings(compose)
    packages.ensure(base, tell, registry.needs(engine, base))
    return base


def say(text: str) -> None:
    """Print lines on standard output, fitted to a terminal and with its marks in colour."""
    as_it_is(screen.ready(text))


def note(text: str) -> None:
    """Print lines on standard error, as `say` does."""
    as_it_is(errors.ready(text), errors)


def warn(lines: Iterable[str]) -> None:
    """Print warnings on standard error, a line each."""
    for line in lines:
        note(f"{_('warning')}: {sayings.error(line)}")


def as_it_is(text: str, where: output.Screen | None = None) -> None:
    """Print text unchanged: a document, or a script's output."""
    tell.clear()
    output.write((where or screen).stream(), f"{text}\n")


def complain(error: EcholabError, what: str = "", left: Path | None = None) -> None:
    """Print an error as one line on standard error, with the user's own lines of a script.

    `what` names what failed, if there are several; `left` is the folder that was kept.
    """
    trace = error.trace if isinstance(error, ScriptError) else ""
    subject = f"{what}: " if what else ""
    said = "; ".join(sayings.error(words) for words in (error.message, error.remedy) if words)
    clues = f"; {_('what it left is in {folder}').format(folder=errors.path(left))}" if left else ""
    note(f"{trace}echolab: {subject}{said}{clues}")


def colour() -> bool:
    """Whether standard output is a terminal that has colours, and whose user wants them."""
    return screen.colour()


def width() -> int:
    """How many columns tables may have."""
    return screen.width()


def open_page(path: Path) -> None:
    """Open a page in the user's browser (`--open`); without one, say so."""
    import webbrowser  # slow to import, and seldom needed

    if not webbrowser.open(path.resolve().as_uri()):
        lacking = _("there is no browser to open {page} with; set BROWSER to its command")
        note(lacking.format(page=path))


def finish(status: ExitStatus) -> NoReturn:
    """End with one of the exit statuses."""
    sys.exit(int(status))
