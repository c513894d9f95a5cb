"""What `--help` shows: whole sentences, in the language in use."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator

import click

from echolab.language import later
from echolab.language import translate as _

SECTIONS = (later("Options"), later("Commands"), later("Positional arguments"))
"""The headings of click's own."""

HELP_OPTION = later("Show this message and exit.")
VERSION_OPTION = later("Show the version and exit.")

EXTRA = "  ["
"""What comes before the default and the range that click adds to an option's help."""


class Formatter(click.HelpFormatter):
    """Writes help in the language in use."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or f"{_('Usage')}: ")

    @contextlib.contextmanager
    def section(self, name: str) -> Iterator[None]:
        with super().section(_(name)):
            yield

    def write_text(self, text: str) -> None:
        super().write_text("\n\n".join(map(_, paragraphs(text))))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        super().write_dl([(name, _of_row(about)) for name, about in rows], col_max, col_spacing)


class Context(click.Context):
    """A call of a command, whose help is written by `Formatter`."""

    formatter_class = Formatter


class Command(click.Command):
    """A command with help in the language in use."""

    context_class = Context


class Commands(click.Group):
    """The commands, listed in the order of their definition: the first ones needed come first."""

    context_class = Context
    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The first sentence of each command, whole."""
        shown = [one for one in self.commands.items() if not one[1].hidden]
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(command)) for name, command in shown])


def summary(command: click.Command) -> str:
    """The first paragraph of a command's help."""
    return next(iter(paragraphs(command.help or "")), "")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, a line each."""
    blocks = inspect.cleandoc(text).partition("\f")[0].split("\n\n")
    return [" ".join(block.split()) for block in blocks if block.strip()]


def messages(command: click.Command) -> Iterator[str]:
    """All that the help of a command says, and of the commands below it."""
    yield from paragraphs(command.help or "")
    for parameter in command.params:
        yield getattr(parameter, "help", None) or ""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from messages(one)


def _of_row(about: str) -> str:
    words, extra, rest = about.partition(EXTRA)
    rest = rest.replace("default: ", f"{_('default')}: ").replace("required", _("required"))
    return f"{_(words)}{extra}{rest}"
