"""The commands for a lab that stays up: `up`, `down`, `shell`, `link`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from click import argument, option

from echolab.command_kinds import PATH, files_options
from echolab.console import say, screen, settings, tell, warn, width
from echolab.help_pages import Command
from echolab.language import later
from echolab.language import translate as _

HOST_HEADINGS = (later("host"), later("state"), later("addresses"))

LINK_HEADINGS = (later("host"), later("network"), later("link"))

lab_option = option("--compose", type=PATH, metavar="FILE", help="Which lab, if several are up.")


@click.command("up", cls=Command)
@option("--compose", type=PATH, metavar="FILE", help="A Compose file of hosts of your own.")
@files_options
def up_command(compose: Path | None) -> None:
    """Start a lab, that of compose.yaml for example, and leave its hosts up.

    `shell` and `link` look into it and shape its links, `down` takes it down.
    """
    from echolab.report import terminal
    from echolab.runs import running_lab

    lab, warnings, said = running_lab.bring_up(settings(compose), os.environ, tell)
    warn(warnings)
    if said:
        say(said.rstrip())
    say(terminal.table(HOST_HEADINGS, running_lab.host_rows(lab), width()))
    say("\n".join(running_lab.hints(lab)))


@click.command("down", cls=Command)
@lab_option
def down_command(compose: Path | None) -> None:
    """Take down what `up` started."""
    from echolab.engines.docker import up

    say(_("{lab} is down").format(lab=screen.path(up.down(compose))))


@click.command("shell", cls=Command)
@argument("host", metavar="HOST", help="A host of a lab that is up.")
@argument("command", nargs=-1, metavar="[-- COMMAND]", help="What to run instead of a shell.")
@lab_option
def shell_command(host: str, command: Sequence[str], compose: Path | None) -> None:
    """Open a shell on a host of a lab that is up, or run a command there."""
    from echolab.engines.docker import running
    from echolab.engines.docker.daemon import connect

    at = running.the_lab(connect(), compose).host(host)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    sys.exit(running.run(at, command, terminal=terminal))


@click.command("link", cls=Command)
@argument("host", required=False, help="A host of a lab that is up; all if none.")
@argument("words", nargs=-1, metavar="[KEY=VALUE]...", help="delay=50ms loss=5%, or clear.")
@lab_option
def link_command(host: str | None, words: Sequence[str], compose: Path | None) -> None:
    """Show what shapes the links of a lab that is up, or shape what one host sends.

    Keys: delay, jitter, distribution, loss, burst, duplicate, reorder, corrupt, rate, limit;
    toward=HOST for what goes to one host alone, network=NAME for one of its networks.
    """
    from echolab.report import terminal
    from echolab.runs import running_lab

    with running_lab.open_links(settings(), compose, tell) as links:
        if host is not None and words:
            warn(links.shape(host, words))
        say(terminal.table(LINK_HEADINGS, links.rows(host), width()))


COMMANDS = (up_command, down_command, shell_command, link_command)
