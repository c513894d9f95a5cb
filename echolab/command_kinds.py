"""Kinds of commands and of what they take."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from echolab.errors import BadInput
from echolab.help_pages import Command
from echolab.language import translate as _

PATH = click.Path(path_type=Path)

HELP = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}


Decorated = TypeVar("Decorated", bound=Callable[..., object])


def drawn(seed: int | None) -> int:
    """The seed that was given, or one drawn by chance."""
    return int.from_bytes(os.urandom(4)) if seed is None else seed


ROOT, REACH = "--root", "--reach"


def files_options(command: Decorated) -> Decorated:
    """Give a command the options that bring files to hosts; `brought` tells what they say."""
    root = click.option(
        ROOT,
        metavar="NAME=PATH",
        multiple=True,
        help="The files of an image; repeat for more.",
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({ROOT: value}),
    )
    reach = click.option(
        REACH,
        type=PATH,
        metavar="DIR",
        multiple=True,
        help="A folder that bind mounts may show; repeat for more.",
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({REACH: value}),
    )
    return root(reach(command))


def brought() -> tuple[dict[str, str], tuple[Path, ...]]:
    """What the running command provides: roots by their names, and folders.

    Raises BadInput for a root without a name.
    """
    context = click.get_current_context(silent=True)
    found = context.meta if context else {}
    pairs = {}
    for text in found.get(ROOT, ()):
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise BadInput(f"{ROOT} {text} is not NAME=PATH", f"for example {ROOT} nginx=nginx.tar")
        pairs[name] = path
    return pairs, tuple(found.get(REACH, ()))


class WholeNumber(click.IntRange):
    """A whole number in a range; messages call it that."""

    name = "whole number"


def language_first(words: Sequence[str]) -> list[str]:
    """The words of a command line with `--lang LANGUAGE`, wherever it stands, moved to the front.

    Words after `--` are left alone.
    """
    end = list(words).index("--") if "--" in words else len(words)
    ours, theirs = list(words[:end]), list(words[end:])
    for place, word in enumerate(ours):
        if word.startswith("--lang="):
            rest = ours[:place] + ours[place + 1 :]
            return ["--lang", word.partition("=")[2], *rest, *theirs]
        if word == "--lang" and place + 1 < len(ours):
            rest = ours[:place] + ours[place + 2 :]
            return ["--lang", ours[place + 1], *rest, *theirs]
    return [*ours, *theirs]


class WithParameters(Command):
    """A command whose --help shows the parameters of the scenarios that are named with it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["words"] = tuple(args)
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        from echolab.runs import catalogue

        words = ctx.meta.get("words", ())
        files = [word for word in words if word.endswith(".py") and not word.startswith("-")]
        entries = [entry for entry in catalogue.every() if entry.scenario.name in words]
        for entry in [*entries, *(catalogue.find(files) if files else ())]:
            rows = [
                (f"{name}={default}", ", ".join(filter(None, (about, domain))))
                for name, default, domain, about in catalogue.parameter_rows(entry.scenario)
            ]
            heading = _("Parameters of {scenario} (--set)").format(scenario=entry.scenario.name)
            with formatter.section(heading):
                formatter.write_dl(rows)
